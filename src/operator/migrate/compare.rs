//! Reading both sides to the end, and telling what differs.

use std::{cmp::Ordering, collections::VecDeque};

use super::{OperatorError, Side, progress::Progress, refused};
use crate::{
    model::Timestamp,
    store::{Collection, Record},
};

/// The most differences that are told.
const TOLD: usize = 20;

/// Compares all that both sides hold, record by record, and returns how many there are.
///
/// # Errors
/// What differs.
pub(super) async fn compare(
    from: &Side,
    to: &Side,
    progress: &mut Progress<impl FnMut(String)>,
) -> Result<u64, OperatorError> {
    let (mut same, mut faults) = (0, Faults::default());
    for collection in Collection::ALL {
        progress.begin("Compared", collection, 0, from.count(collection).await?);
        let (mut source, mut target) = (Reader::new(from, collection), Reader::new(to, collection));
        loop {
            tokio::try_join!(source.fill(), target.fill())?;
            let order = match (source.batch.front(), target.batch.front()) {
                (None, None) => break,
                (Some(one), Some(other)) => one.key().cmp(&other.key()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
            };
            let one = order.is_le().then(|| source.batch.pop_front()).flatten();
            let other = order.is_ge().then(|| target.batch.pop_front()).flatten();
            match (one, other) {
                (Some(one), Some(other)) if one == other => same += 1,
                (Some(one), Some(_)) => faults.note(&one, "differs"),
                (Some(one), None) if !one.is_over(Timestamp::now()) => faults.note(&one, "isn't in --to"),
                (None, Some(other)) if !other.is_over(Timestamp::now()) => {
                    faults.note(&other, "isn't in --from");
                }
                _ => {}
            }
            progress.add(1);
        }
    }
    if faults.count == 0 { Ok(same) } else { Err(faults.told(from, to)) }
}

/// Records of one side, one after the other.
struct Reader<'a> {
    side: &'a Side,
    collection: Collection,
    after: Vec<u8>,
    batch: VecDeque<Record>,
    ended: bool,
}

impl<'a> Reader<'a> {
    fn new(side: &'a Side, collection: Collection) -> Self {
        Self { side, collection, after: vec![], batch: VecDeque::new(), ended: false }
    }

    /// Has the next record at hand, if there is one.
    async fn fill(&mut self) -> Result<(), OperatorError> {
        if self.batch.is_empty() && !self.ended {
            self.batch = self.side.batch(self.collection, &self.after).await?.into();
            match self.batch.back() {
                Some(last) => self.after = last.key(),
                None => self.ended = true,
            }
        }
        Ok(())
    }
}

/// What differs: how many records, and the first of them.
#[derive(Default)]
struct Faults {
    count: u64,
    first: Vec<String>,
}

impl Faults {
    fn note(&mut self, record: &Record, how: &str) {
        self.count += 1;
        if self.first.len() < TOLD {
            self.first.push(format!("{} {} {how}", record.collection().name(), hex::encode(record.key())));
        }
    }

    fn told(mut self, from: &Side, to: &Side) -> OperatorError {
        self.first.push(format!(
            "{} records of {} and {} differ: a node served one of them meanwhile. Empty --to, and begin anew",
            self.count, from.place, to.place
        ));
        refused(self.first.join("\n"))
    }
}
