#![expect(clippy::unwrap_used, reason = "a test may fail")]

use proptest::prelude::*;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};

use super::*;

/// A frame of so many bytes of payload.
fn frame(letter: u8, length: usize) -> Frame {
    Frame::text(|payload| payload.resize(payload.len() + length, letter))
}

/// What the handshake answers.
fn handshake() -> Frame {
    Frame::handshake(b"welcome ".to_vec())
}

/// Both ends of a connection.
async fn pair() -> (Arc<OwnedWriteHalf>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    (Arc::new(near.unwrap().into_split().1), far.unwrap().0)
}

#[tokio::test]
async fn a_full_mailbox_closes_its_socket_and_frees_what_waited() {
    let mailbox = Mailbox::new(2);
    mailbox.push(&[frame(b'x', 1), frame(b'y', 1)]);
    mailbox.push(&[frame(b'z', 1)]);
    assert_eq!(mailbox.serve().await, Some(Close::TooSlow));
    assert_eq!(mailbox.take(), []);
}

#[tokio::test]
async fn what_is_only_offered_never_fills_it() {
    let mailbox = Mailbox::new(4);
    for _ in 0..9 {
        mailbox.offer(frame(b'x', 1));
    }
    assert_eq!(mailbox.take().len(), 2);
}

#[tokio::test]
async fn what_was_put_in_comes_out_in_order_before_the_farewell() {
    let (near, mut far) = pair().await;
    let mailbox = Mailbox::new(10);
    mailbox.push(&[frame(b'2', 1)]);
    mailbox.open(near, handshake(), Some(frame(b'1', 1)));
    mailbox.send(&[frame(b'3', 1), frame(b'4', 1)]);
    mailbox.close(Close::Restart);
    mailbox.send(&[frame(b'5', 1)]);
    assert_eq!(mailbox.serve().await, Some(Close::Restart));
    mailbox.end(Some(Close::Restart)).await;
    let mut all = vec![];
    far.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, b"welcome \x81\x011\x81\x012\x81\x013\x81\x014\x88\x09\x03\xf4restart");
}

#[tokio::test]
async fn who_cannot_come_in_is_told_so_behind_the_handshake() {
    let (near, mut far) = pair().await;
    let mailbox = Mailbox::new(10);
    mailbox.push(&[frame(b'1', 1)]);
    mailbox.open(near, handshake(), None);
    mailbox.end(Some(Close::TryAgain)).await;
    let mut all = vec![];
    far.read_to_end(&mut all).await.unwrap();
    let (code, reason) = Close::TryAgain.code();
    assert_eq!(all, [handshake().bytes(), Frame::close(code, reason).bytes()].concat());
}

#[tokio::test]
async fn a_lost_connection_ends_it() {
    let (near, far) = pair().await;
    let mailbox = Mailbox::new(10_000);
    mailbox.open(near, handshake(), Some(frame(b'1', 1)));
    drop(far);
    let sending = async {
        loop {
            mailbox.send(&[frame(b'2', 1)]);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = mailbox.serve() => assert_eq!(ended, None),
        () = sending => {}
    }
    mailbox.end(None).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whoever puts frames in, by either way, and however slowly they are read.
    #[test]
    fn a_reader_gets_every_frame_whole_and_in_order(
        frames in prop::collection::vec((0_usize..300_000, any::<bool>(), 1_usize..90), 1..24),
        reads in prop::collection::vec(1_usize..200_000, 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (near, mut far) = pair().await;
            let mailbox = Mailbox::new(usize::MAX);
            mailbox.open(near, handshake(), Some(frame(b'.', 3)));
            let mut meant = [handshake().bytes(), frame(b'.', 3).bytes()].concat();
            let reading = async {
                let (mut all, mut sizes) = (vec![], reads.iter().cycle());
                loop {
                    let mut chunk = vec![0; *sizes.next().unwrap()];
                    match far.read(&mut chunk).await.unwrap() {
                        0 => return all,
                        n => all.extend_from_slice(&chunk[..n]),
                    }
                }
            };
            let writing = async {
                for (n, (length, at_once, count)) in frames.iter().enumerate() {
                    // Many small ones, or one that may be large.
                    let length = if *count > 60 { *length } else { length % 40 };
                    let count = if *count > 60 { 1 } else { *count };
                    let some = vec![frame(b'a' + n as u8, length); count];
                    some.iter().for_each(|frame| meant.extend_from_slice(frame.bytes()));
                    if *at_once { mailbox.send(&some) } else { mailbox.push(&some) }
                    while mailbox.inside().bytes > MAX_BYTES / 2 {
                        tokio::task::yield_now().await;
                    }
                }
                mailbox.close(Close::Restart);
            };
            let serving = async {
                let close = mailbox.serve().await;
                mailbox.end(close).await;
            };
            let (all, (), ()) = tokio::join!(reading, writing, serving);
            meant.extend_from_slice(Frame::close(1012, "restart").bytes());
            assert!(all == meant, "{} bytes, not {}", all.len(), meant.len());
        });
    }
}
