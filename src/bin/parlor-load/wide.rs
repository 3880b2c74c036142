//! Posting while one message goes out to very many readers.

use std::{
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    Fault, Options, Result,
    crowd::Crowd,
    people::Person,
    posts::Sender,
    report::{Report, Spread},
};

/// Messages to all readers.
const MESSAGES: usize = 30;
/// The pause between two posts of the one who posts meanwhile.
const PAUSE: Duration = Duration::from_millis(2);

/// The spread of acknowledgements in another room: with all readers there and nothing for them, and while messages go out to
/// all of them without a pause.
pub(crate) async fn wide(options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    let mut crowd = Crowd::of_parlor(options, data, 1, options.idle).await?;
    let person = Person::some(&crowd.host, 1).await?.remove(0);
    let room = person.room(&crowd.host, &[]).await?;
    let poster = Poster::start(&crowd.host.address, &person, &room)?;
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    let mut idle = poster.so_far()?;
    for n in 1..=MESSAGES {
        crowd.send(0, Instant::now()).await?;
        crowd.seen.until((n * crowd.readers) as u64).await?;
    }
    let mut busy = poster.so_far()?;
    let idle = Spread::of(&mut idle);
    let what = format!("posting while messages go out to {} readers: ack", options.idle);
    report.spread_beside(&what, &mut busy, &idle, "idle");
    report.spread("the messages: delivery", &mut crowd.seen.latencies.take(), None);
    Ok(())
}

/// One who posts, on a thread of its own: it must not wait for this program's readers.
struct Poster {
    ask: mpsc::Sender<mpsc::Sender<Vec<Duration>>>,
}

impl Poster {
    fn start(address: &str, person: &Person, room: &str) -> Result<Self> {
        let (ask, asked) = mpsc::channel::<mpsc::Sender<Vec<Duration>>>();
        let (address, person, room) = (address.to_owned(), person.clone(), room.to_owned());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::spawn(move || {
            let local = tokio::task::LocalSet::new();
            let posting = async {
                let sender = Sender::new(&address, &person, &room).await?;
                let mut times = vec![];
                loop {
                    match asked.try_recv() {
                        Ok(who) => drop(who.send(std::mem::take(&mut times))),
                        Err(mpsc::TryRecvError::Disconnected) => return Ok::<(), Fault>(()),
                        Err(mpsc::TryRecvError::Empty) => {}
                    }
                    times.push(sender.post().await?);
                    tokio::time::sleep(PAUSE).await;
                }
            };
            // Who asks in vain knows that it failed.
            let _ = local.block_on(&runtime, posting);
        });
        Ok(Self { ask })
    }

    /// How long its acknowledgements took since this was asked last.
    fn so_far(&self) -> Result<Vec<Duration>> {
        let (answer, answered) = mpsc::channel();
        self.ask.send(answer)?;
        Ok(answered.recv_timeout(Duration::from_secs(60))?)
    }
}
