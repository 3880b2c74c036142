//! Where something is moved from and to.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use super::{OperatorError, refused};
use crate::{
    accounts::KEYS,
    store::{
        Collection, Dump, Record, StoreError, Underway,
        mongo::MongoStore,
        sqlite::{DATABASE, SqliteStore},
    },
};

/// A place that all can be kept in. Its text names it without a password.
#[derive(Debug)]
pub(super) enum Place {
    /// A data folder, with SQLite's database in it.
    Folder(PathBuf),
    /// A MongoDB database, by its URL.
    Mongo(String),
}

impl Place {
    /// The place that a flag names.
    pub(super) fn parse(flag: &str, text: &str) -> Result<Self, OperatorError> {
        let expected = "expected a data folder, or a URL that begins with mongodb:// or mongodb+srv://";
        match text.split_once("://") {
            Some(("mongodb" | "mongodb+srv", rest)) if !rest.is_empty() => Ok(Self::Mongo(text.to_owned())),
            Some((scheme, _)) => Err(refused(format!("{flag}: {expected}; found {scheme}://"))),
            None if text.is_empty() => Err(refused(format!("{flag}: {expected}; found nothing"))),
            None => match whole(Path::new(text)) {
                Ok(folder) => Ok(Self::Folder(folder)),
                Err(error) => Err(refused(format!("{flag}: {text}: {error}"))),
            },
        }
    }

    /// Whether it is a data folder.
    pub(super) fn is_folder(&self) -> bool {
        matches!(self, Self::Folder(_))
    }

    /// The keys that a node made which served it alone.
    pub(super) fn keys(&self) -> Option<PathBuf> {
        match self {
            Self::Folder(folder) => Some(folder.join(KEYS)),
            Self::Mongo(_) => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Mongo(url) => {
                let bare = url.split('?').next().unwrap_or_default();
                let (scheme, rest) = bare.split_once("://").unwrap_or_default();
                let rest = rest.rsplit_once('@').map_or(rest, |(_, hosts)| hosts);
                write!(f, "{scheme}://{rest}")
            }
        }
    }
}

/// The same folder by whatever name it is called, whether it is there or not.
fn whole(folder: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => std::path::absolute(folder),
        found => found,
    }
}

/// A place whose store is open.
pub(super) struct Side {
    flag: &'static str,
    /// Which.
    pub(super) place: Place,
    store: Box<dyn Dump>,
}

impl Side {
    /// Opens what is there.
    pub(super) async fn open(flag: &'static str, place: Place) -> Result<Self, OperatorError> {
        let store: Box<dyn Dump> = match &place {
            Place::Folder(folder) if !folder.join(DATABASE).exists() => {
                return Err(refused(format!("{flag}: there is no {DATABASE} in {place}")));
            }
            Place::Folder(folder) => Box::new(SqliteStore::open(folder).map_err(failed(flag))?),
            Place::Mongo(url) => Box::new(MongoStore::connect(url, None).await.map_err(failed(flag))?),
        };
        Ok(Self { flag, place, store })
    }

    /// Opens what is there, in whole or not, or makes it.
    pub(super) async fn open_to_fill(flag: &'static str, place: Place) -> Result<Self, OperatorError> {
        let store: Box<dyn Dump> = match &place {
            Place::Folder(folder) => Box::new(SqliteStore::open_to_fill(folder).map_err(failed(flag))?),
            Place::Mongo(url) => {
                Box::new(MongoStore::connect_to_fill(url, None).await.map_err(failed(flag))?)
            }
        };
        Ok(Self { flag, place, store })
    }

    /// Whether nothing is there.
    pub(super) async fn is_empty(&self) -> Result<bool, OperatorError> {
        for collection in Collection::ALL {
            if !self.batch(collection, &[]).await?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// See [`Dump::count`].
    pub(super) async fn count(&self, collection: Collection) -> Result<u64, OperatorError> {
        self.told(self.store.count(collection).await)
    }

    /// See [`Dump::batch`].
    pub(super) async fn batch(
        &self,
        collection: Collection,
        after: &[u8],
    ) -> Result<Vec<Record>, OperatorError> {
        self.told(self.store.batch(collection, after).await)
    }

    /// See [`Dump::put`].
    pub(super) async fn put(&self, records: Vec<Record>, underway: &Underway) -> Result<(), OperatorError> {
        self.told(self.store.put(records, underway).await)
    }

    /// See [`Dump::underway`].
    pub(super) async fn underway(&self) -> Result<Option<Underway>, OperatorError> {
        self.told(self.store.underway().await)
    }

    /// See [`Dump::finish`].
    pub(super) async fn finish(&self) -> Result<(), OperatorError> {
        self.told(self.store.finish().await)
    }

    fn told<T>(&self, done: Result<T, StoreError>) -> Result<T, OperatorError> {
        done.map_err(failed(self.flag))
    }
}

fn failed<E: fmt::Display>(flag: &str) -> impl FnOnce(E) -> OperatorError {
    move |error| refused(format!("{flag}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_without_its_password() -> Result<(), OperatorError> {
        for (url, told) in [
            (
                "mongodb://ann:s3cr%40t@one:27017,two/parlor?authSource=admin",
                "mongodb://one:27017,two/parlor",
            ),
            ("mongodb+srv://ann:secret@cluster.example/parlor", "mongodb+srv://cluster.example/parlor"),
            ("mongodb://localhost/parlor", "mongodb://localhost/parlor"),
        ] {
            assert_eq!(Place::parse("--from", url)?.to_string(), told);
        }
        Ok(())
    }

    #[test]
    fn what_is_no_place_is_refused_in_one_line() {
        for text in ["", "postgres://localhost/parlor", "mongodb://", "redis://x"] {
            let said = Place::parse("--to", text).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(said.starts_with("--to: expected a data folder, or a URL"), "{text}: {said}");
        }
    }
}
