//! How much a delivery costs, how many there are a second, and how long one takes.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    Options, Result,
    crowd::Crowd,
    report::{Report, Spread},
};

/// Deliveries and CPU a delivery, closed loop: the next messages go out when all readers have those before. Of one room so
/// many messages are on their way `together`; of many rooms, that many in each.
pub(crate) async fn fanout(
    options: &Options,
    data: &Path,
    report: &mut Report,
    (rooms, readers): (usize, usize),
    together: usize,
) -> Result<()> {
    let bare = deliver(&mut Crowd::of_bare(rooms, readers).await?, options, together).await?;
    let ours =
        deliver(&mut Crowd::of_parlor(options, data, rooms, readers).await?, options, together).await?;
    let what = format!("{rooms} room(s) × {readers} readers, {together} in flight");
    report.beside(format!("{what}: CPU a delivery"), ours.0, "µs", Some(bare.0));
    report.beside(format!("{what}: deliveries"), ours.1, "/s", Some(bare.1));
    Ok(())
}

/// CPU µs a delivery, and deliveries a second.
pub(crate) async fn deliver(crowd: &mut Crowd, options: &Options, together: usize) -> Result<(f64, f64)> {
    let before = crowd.seen.deliveries.get();
    let mut expected = before;
    let (begun, cpu) = (Instant::now(), crowd.host.cpu()?);
    while begun.elapsed().as_secs() < options.seconds {
        for room in 0..crowd.rooms.len() {
            for _ in 0..together {
                crowd.send(room, Instant::now()).await?;
            }
        }
        expected += (together * crowd.readers * crowd.rooms.len()) as u64;
        crowd.seen.until(expected).await?;
        crowd.seen.due.borrow_mut().clear();
        crowd.seen.latencies.borrow_mut().clear();
    }
    let (time, cpu) = (begun.elapsed(), crowd.host.cpu()? - cpu);
    let deliveries = (expected - before) as f64;
    Ok((cpu.as_secs_f64() * 1e6 / deliveries, deliveries / time.as_secs_f64()))
}

/// How long deliveries take from when they were due, open loop.
pub(crate) async fn steady(options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    let mut bare = Crowd::of_bare(1, options.readers).await?;
    let bare = Spread::of(&mut at_rate(&mut bare, options).await?);
    let mut ours = Crowd::of_parlor(options, data, 1, options.readers).await?;
    let mut times = at_rate(&mut ours, options).await?;
    let what = format!("{} readers × {} messages/s: delivery", options.readers, options.rate);
    report.spread(&what, &mut times, Some(&bare));
    Ok(())
}

async fn at_rate(crowd: &mut Crowd, options: &Options) -> Result<Vec<Duration>> {
    let begun = Instant::now();
    let all = options.seconds * options.rate;
    for n in 0..all {
        let due = begun + Duration::from_secs_f64(n as f64 / options.rate as f64);
        tokio::time::sleep_until(due.into()).await;
        crowd.send(0, due).await?;
    }
    crowd.seen.until(all * crowd.readers as u64).await?;
    Ok(crowd.seen.latencies.take())
}
