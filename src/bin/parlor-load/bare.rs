//! The bare broadcaster: this machine's limit. It accepts sockets, frames what one of a room sends once, and writes it to
//! every socket of that room; nothing else.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    Result, report,
    wire::{self, Frames},
};

type Rooms = Rc<RefCell<HashMap<String, Vec<Rc<TcpStream>>>>>;

/// Serves until it is killed.
pub(crate) async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    report::say(&format!("bare on {}", listener.local_addr()?));
    let rooms = Rooms::default();
    loop {
        let (stream, _) = listener.accept().await?;
        let rooms = Rc::clone(&rooms);
        tokio::task::spawn_local(async move { drop(one(stream, &rooms).await) });
    }
}

async fn one(mut stream: TcpStream, rooms: &Rooms) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let room = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
    stream.write_all(wire::ACCEPTED).await?;
    let stream = Rc::new(stream);
    rooms.borrow_mut().entry(room.clone()).or_default().push(Rc::clone(&stream));
    stream.try_write(&wire::frame("{\"type\":\"heads\"}"))?;
    let mut frames = Frames::default();
    loop {
        stream.readable().await?;
        let mut due = vec![];
        if frames.read(&stream, |text| due.push(wire::frame(text)))? == 0 {
            return Ok(());
        }
        if due.is_empty() {
            continue;
        }
        // What waits together leaves together.
        let due = due.concat();
        for reader in rooms.borrow().get(&room).into_iter().flatten() {
            write(reader, &due);
        }
    }
}

/// Writes what the socket takes at once; the rest follows when it can.
fn write(reader: &Rc<TcpStream>, frame: &[u8]) {
    let written = reader.try_write(frame).unwrap_or(0);
    if written < frame.len() {
        let (reader, rest) = (Rc::clone(reader), frame[written..].to_vec());
        tokio::task::spawn_local(async move {
            let mut rest = rest.as_slice();
            while !rest.is_empty() && reader.writable().await.is_ok() {
                match reader.try_write(rest) {
                    Ok(written) => rest = &rest[written..],
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
        });
    }
}
