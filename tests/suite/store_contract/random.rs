//! Whatever is done in whatever order, a log stays dense and nothing of it is lost, over restarts, too.

use std::sync::Arc;

use parlor::{
    model::{Append, Head},
    store::{AppendError, Appended, Store, Write, sqlite::SqliteStore},
};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{
    races::assert_dense,
    stream::{Pen, all, head, put},
};

/// What somebody does to one of three streams.
#[derive(Debug, Clone)]
enum Deed {
    /// Appends that many entries, perhaps with something that follows.
    Append { stream: usize, entries: u64, follows: bool },
    /// Appends again what was appended last.
    Repeat { stream: usize },
    /// Appends upon a head that was, or never was.
    Late { stream: usize, behind: u64 },
    /// Moves the watermark to the end of an append, that many ahead of it.
    Fold { stream: usize, appends: usize },
    /// Closes the store and opens it again.
    Reopen,
}

fn deed() -> impl Strategy<Value = Deed> {
    let stream = 0..3usize;
    prop_oneof![
        6 => (stream.clone(), 1..5u64, any::<bool>())
            .prop_map(|(stream, entries, follows)| Deed::Append { stream, entries, follows }),
        1 => stream.clone().prop_map(|stream| Deed::Repeat { stream }),
        2 => (stream.clone(), 1..4u64).prop_map(|(stream, behind)| Deed::Late { stream, behind }),
        4 => (stream, 0..3usize).prop_map(|(stream, appends)| Deed::Fold { stream, appends }),
        1 => Just(Deed::Reopen),
    ]
}

/// What must be in the store by now: all appends of a stream, and how many of them are folded.
struct Expected {
    pen: Pen,
    appends: Vec<Append>,
    folded: usize,
}

impl Expected {
    /// Where the stream stands after so many appends.
    fn after(&self, appends: usize) -> Head {
        appends.checked_sub(1).map(|last| self.appends[last].head()).unwrap_or_default()
    }

    async fn append(&mut self, store: &Arc<dyn Store>, entries: u64, follows: bool) {
        let append = self.pen.posts(entries);
        let folds = !follows && self.folded == self.appends.len();
        let write = Write { append: append.clone(), docs: vec![], follows };
        let appended = store.append(&write).await.unwrap();
        assert_eq!(appended, if folds { Appended::Folded } else { Appended::Pending });
        self.appends.push(append);
        self.folded += usize::from(folds);
    }

    async fn refused(&self, store: &Arc<dyn Store>, append: Append) {
        assert!(matches!(put(store, append).await, Err(AppendError::Taken)));
    }

    async fn late(&self, store: &Arc<dyn Store>, behind: u64) {
        let mut late = self.pen.clone();
        late.head.rev.0 = late.head.rev.0.saturating_sub(behind);
        if late.head.rev != self.pen.head.rev {
            self.refused(store, late.posts(1)).await;
        }
    }

    async fn fold(&mut self, store: &Arc<dyn Store>, appends: usize) {
        let to = (self.folded + appends).min(self.appends.len());
        let (from, head) = (self.after(self.folded).rev, self.after(to));
        if to > self.folded {
            assert!(!store.fold(self.pen.stream, from.next(), head, vec![]).await.unwrap());
            assert!(store.fold(self.pen.stream, from, head, vec![]).await.unwrap());
            self.folded = to;
        }
    }

    async fn holds(&self, store: &Arc<dyn Store>) {
        let log = all(store, self.pen.stream).await;
        assert_dense(&log);
        assert_eq!(log, self.appends);
        assert_eq!(head(store, self.pen.stream).await, self.pen.head);
        assert_eq!(store.watermark(self.pen.stream).await.unwrap(), self.after(self.folded));
    }
}

fn opened(folder: &TempDir) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(folder.path()).unwrap())
}

async fn whatever_is_done_leaves_dense_logs(deeds: Vec<Deed>) {
    let folder = TempDir::new().unwrap();
    let mut store = opened(&folder);
    let mut streams: Vec<_> =
        (0..3).map(|_| Expected { pen: Pen::room(), appends: vec![], folded: 0 }).collect();
    for deed in deeds {
        match deed {
            Deed::Append { stream, entries, follows } => {
                streams[stream].append(&store, entries, follows).await
            }
            Deed::Repeat { stream } => {
                if let Some(last) = streams[stream].appends.last().cloned() {
                    streams[stream].refused(&store, last).await;
                }
            }
            Deed::Late { stream, behind } => streams[stream].late(&store, behind).await,
            Deed::Fold { stream, appends } => streams[stream].fold(&store, appends).await,
            Deed::Reopen => {
                drop(store);
                store = opened(&folder);
            }
        }
    }
    for stream in &streams {
        stream.holds(&store).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_appends_and_folds_leave_dense_logs(deeds in proptest::collection::vec(deed(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(whatever_is_done_leaves_dense_logs(deeds));
    }
}
