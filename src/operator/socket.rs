//! The socket in the data folder by which orders reach the node that serves it: a line of JSON in, a line of JSON out.
//! Who may open the folder may give orders; the system sees to that.

use std::{io, path::Path, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    time::timeout,
};

use super::{Order, carry_out, said};
use crate::{app::App, error::Error};

/// The socket's name within the data folder.
const NAME: &str = "parlor.sock";
/// The most bytes of an order or an answer.
const LINE: u64 = 16 << 10;
/// How long an order may take to come in, and its answer to be read.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the one who asks waits in all: hashing may have to queue.
const ANSWER: Duration = Duration::from_secs(60);

type Told = Result<Vec<String>, String>;

/// Takes orders until the node is told to stop.
pub async fn listen(app: App) {
    let path = app.config.data.join(NAME);
    // The folder is locked by this node: what lies there is of one that is gone.
    let _ = std::fs::remove_file(&path);
    let listener = match bind(&path) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "the operator's commands can't reach this node");
            return;
        }
    };
    while let Some(accepted) = app.stopping.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                if let Err(error) = serve(&app, stream).await {
                    tracing::warn!(%error, "an order broke off");
                }
            }
            Err(error) => tracing::warn!(%error, "could not take an order"),
        }
    }
    let _ = std::fs::remove_file(&path);
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    let owner_alone = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(path, owner_alone)?;
    Ok(listener)
}

async fn serve(app: &App, mut stream: UnixStream) -> io::Result<()> {
    let line = timeout(PATIENCE, read_line(&mut stream)).await??;
    let told: Told = match serde_json::from_str::<Order>(&line) {
        Ok(order) => carry_out(&app.accounts, &order).await.map_err(|error| said(&error)),
        Err(error) => Err(said(&Error::malformed(format!("Not an order: {error}.")))),
    };
    write_line(&mut stream, &told).await
}

/// Hands an order to the node that serves this folder. None when there is none.
pub(super) async fn ask(folder: &Path, order: &Order) -> Option<Told> {
    let mut stream = UnixStream::connect(folder.join(NAME)).await.ok()?;
    let asked = async {
        write_line(&mut stream, order).await?;
        read_line(&mut stream).await
    };
    Some(match timeout(ANSWER, asked).await {
        Ok(Ok(line)) => serde_json::from_str(&line).unwrap_or_else(|error| Err(error.to_string())),
        Ok(Err(error)) => Err(format!("the node that serves {} went away: {error}", folder.display())),
        Err(_) => Err(format!("the node that serves {} doesn't answer", folder.display())),
    })
}

async fn read_line(stream: &mut UnixStream) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(stream.take(LINE)).read_line(&mut line).await?;
    if !line.ends_with('\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line)
}

async fn write_line(stream: &mut UnixStream, value: &impl serde::Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    timeout(PATIENCE, stream.write_all(&line)).await?
}
