//! Moving all that is kept from SQLite into MongoDB, or back: copied batch by batch, the target noting how far that is, so that
//! it can be cut short at any time and gone on with; then read again from both sides, and compared. Until both hold the
//! same, the target can't be served.

mod compare;
mod place;
mod progress;

use super::OperatorError;
use crate::store::{Collection, Underway};

use compare::compare;
use place::{Place, Side};
use progress::Progress;

/// Moves all that `from` holds to `to`: a data folder, and the URL of a MongoDB database. Returns what to tell the operator.
///
/// # Errors
/// When either isn't as it should be, or the two differ in the end.
pub async fn migrate(
    from: &str,
    to: &str,
    tell: impl FnMut(String) + Send,
) -> Result<Vec<String>, OperatorError> {
    let (from, to) = (Place::parse("--from", from)?, Place::parse("--to", to)?);
    if from.is_folder() == to.is_folder() {
        return Err(refused(
            "one of --from and --to has to be a data folder, the other a MongoDB database: to copy within one kind, use \
             backup and restore, or mongodump and mongorestore",
        ));
    }
    let from = Side::open("--from", from).await?;
    if from.is_empty().await? {
        return Err(refused(format!("--from: there is nothing in {}", from.place)));
    }
    let to = Side::open_to_fill("--to", to).await?;
    let mut progress = Progress::new(tell);
    let last = begin(&from, &to).await?;
    copy(&from, &to, last, &mut progress).await?;
    let same = compare(&from, &to, &mut progress).await?;
    to.finish().await?;
    Ok(vec![
        format!("Moved {} to {}: {same} records, the same on both sides", from.place, to.place),
        "What people uploaded stays in its folder: set PARLOR_UPLOADS to it, or to a copy of it".to_owned(),
        match from.place.keys() {
            Some(keys) => format!(
                "Programs stay logged in when PARLOR_SECRET names the key in {} (or is what it was, where it was set)",
                keys.display()
            ),
            None => "Programs stay logged in when PARLOR_SECRET is what it was in the cluster".to_owned(),
        },
    ])
}

/// Where an earlier migration of the same stopped, or that there was none: then there is nothing in the target.
async fn begin(from: &Side, to: &Side) -> Result<Option<(Collection, Vec<u8>)>, OperatorError> {
    let source = from.place.to_string();
    match to.underway().await? {
        Some(underway) if underway.from == source => Ok(underway.last),
        Some(underway) => Err(refused(format!(
            "--to: {} holds the beginning of what is in {}, and {source} is another; empty it first",
            to.place, underway.from
        ))),
        None if to.is_empty().await? => {
            to.put(vec![], &Underway { from: source, last: None }).await?;
            Ok(None)
        }
        None => Err(refused(format!("--to: {} isn't empty", to.place))),
    }
}

/// Copies what comes after `last`.
async fn copy(
    from: &Side,
    to: &Side,
    last: Option<(Collection, Vec<u8>)>,
    progress: &mut Progress<impl FnMut(String)>,
) -> Result<(), OperatorError> {
    let source = from.place.to_string();
    let (begun, mut after) = last.unwrap_or((Collection::ALL[0], vec![]));
    for collection in Collection::ALL.into_iter().skip_while(|collection| *collection < begun) {
        progress.begin("Copied", collection, to.count(collection).await?, from.count(collection).await?);
        let mut batch = from.batch(collection, &after).await?;
        while let Some(last) = batch.last() {
            let (key, count) = (last.key(), batch.len());
            let underway = Underway { from: source.clone(), last: Some((collection, key.clone())) };
            // What comes next is read while this is written.
            let (next, ()) = tokio::try_join!(from.batch(collection, &key), to.put(batch, &underway))?;
            batch = next;
            progress.add(count);
        }
        after = vec![];
    }
    Ok(())
}

fn refused(why: impl Into<String>) -> OperatorError {
    OperatorError::Refused(why.into())
}
