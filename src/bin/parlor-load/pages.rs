//! Pages of a room with a long history, and the start on one.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;

use crate::{Fault, Options, Result, host::Host, http::Http, posts::filled, report::Report};

/// Requests for pages at a time.
const VISITORS: usize = 8;
/// A room page has more bytes than this, packed or not.
const FEWEST_BYTES: usize = 5_000;

/// Pages of a room, as a browser gets them.
pub(crate) async fn pages(options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    let host = Host::parlor(options, data).await?;
    let (person, room) = filled(&host, options.stored).await?;
    let cookie = person.cookie(&host).await?;
    for (how, encoding) in [("plain", "identity"), ("packed", "gzip, deflate, br")] {
        let what = format!("room page of 100 messages, {} stored, {how}", options.stored);
        let asking = Asking::new(&host, &cookie, &room, encoding)?;
        let (begun, cpu) = (Instant::now(), host.cpu()?);
        let until = begun + Duration::from_secs(options.seconds);
        let visitors = (0..VISITORS).map(async |_| {
            let mut times = vec![];
            while Instant::now() < until {
                times.push(asking.ask().await?.0);
            }
            Ok::<_, Fault>(times)
        });
        let mut times = try_join_all(visitors).await?.concat();
        let (time, cpu) = (begun.elapsed(), host.cpu()? - cpu);
        let (_, bytes) = asking.ask().await?;
        report.add(&what, times.len() as f64 / time.as_secs_f64(), "/s");
        report.add(format!("{what}: CPU a page"), cpu.as_secs_f64() * 1e6 / times.len() as f64, "µs");
        report.add(format!("{what}: a page"), bytes as f64 / 1024.0, "KiB");
        report.spread(&what, &mut times, None);
    }
    Ok(())
}

/// How a browser asks for a room's page.
pub(crate) struct Asking {
    http: Http,
    cookie: String,
    authority: String,
    path: String,
    encoding: &'static str,
}

impl Asking {
    /// By this cookie.
    pub(crate) fn new(host: &Host, cookie: &str, room: &str, encoding: &'static str) -> Result<Self> {
        let port = host.address.rsplit_once(':').ok_or("no port")?.1;
        Ok(Self {
            http: Http::new(&host.address),
            cookie: cookie.to_owned(),
            authority: format!("localhost:{port}"),
            path: format!("/rooms/{room}"),
            encoding,
        })
    }

    /// Asks once: how long it took, and how many bytes came.
    pub(crate) async fn ask(&self) -> Result<(Duration, usize)> {
        let asked = Instant::now();
        let headers = [
            ("cookie", self.cookie.as_str()),
            ("host", self.authority.as_str()),
            ("accept-encoding", self.encoding),
        ];
        let answer = self.http.get(&self.path, &headers).await?;
        if answer.status != 200 || answer.body.len() < FEWEST_BYTES {
            return Err(format!("{}: {} bytes", answer.status, answer.body.len()).into());
        }
        Ok((asked.elapsed(), answer.body.len()))
    }
}

/// From the start to the first answer, and memory at rest.
pub(crate) async fn start(options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    let host = Host::parlor(options, data).await?;
    filled(&host, options.stored).await?;
    drop(host);
    let host = Host::parlor(options, data).await?;
    let what = format!("start to first answer, {} messages stored", options.stored);
    report.add(what, host.started.as_secs_f64() * 1e3, "ms");
    tokio::time::sleep(Duration::from_secs(2)).await;
    report.add("memory at rest", host.memory()? as f64 / f64::from(1 << 20), "MiB");
    Ok(())
}
