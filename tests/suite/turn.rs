//! STUN and TURN, with a client of another make (coturn's), over real sockets.

use std::{net::SocketAddr, time::Duration};

use parlor::{calls::turn::IceServer, model::UserId};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    process::Command,
    time::timeout,
};

use crate::{
    services::{PATIENCE, provided},
    support::TestServer,
};

/// How long a client may take: the longest has messages for most of a minute.
const TALK: Duration = Duration::from_secs(120);
/// Messages that each client sends.
const MESSAGES: usize = 20;

/// A server with a relay on loopback, where nothing may be relayed to but its own clients.
async fn server() -> TestServer {
    server_with(|_| {}).await
}

async fn server_with(change: impl FnOnce(&mut parlor::config::Settings)) -> TestServer {
    TestServer::with(|settings| {
        settings.turn_bind = Some("127.0.0.1:0".to_owned());
        change(settings);
    })
    .await
}

fn bound(server: &TestServer) -> SocketAddr {
    server.app.turn.as_ref().unwrap().bound()
}

fn pass(server: &TestServer) -> IceServer {
    server.app.turn.as_ref().unwrap().credentials(UserId::new())
}

/// What coturn's client said.
async fn said(server: &TestServer, pass: &IceServer, how: &[&str]) -> String {
    said_to(bound(server).port(), pass, how).await
}

/// What it said to whatever has this port.
pub(crate) async fn said_to(port: u16, pass: &IceServer, how: &[&str]) -> String {
    let mut client = Command::new(provided("PARLOR_TEST_UCLIENT"));
    client.args(["-u", &pass.username, "-w", &pass.credential, "-p", &port.to_string()]);
    client.args(["-c", "-n", &MESSAGES.to_string(), "-z", "5"]).args(how).arg("127.0.0.1").kill_on_drop(true);
    let output = timeout(TALK, client.output()).await.expect("the client ends").unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// How many messages were sent and came.
pub(crate) fn counts(said: &str) -> (usize, usize) {
    let number = |name: &str| -> usize {
        let rest = said.rsplit_once(name).unwrap_or_else(|| panic!("no {name} in {said}")).1;
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
    };
    (number("tot_send_msgs="), number("tot_recv_msgs="))
}

#[tokio::test]
async fn clients_of_another_make_reach_each_other_over_the_relay() {
    let server = server().await;
    for how in [&["-y"][..], &["-y", "-s"], &["-t", "-y"], &["-t", "-y", "-s"]] {
        let said = said(&server, &pass(&server), &[how, &["-m", "4"]].concat()).await;
        assert_eq!(counts(&said), (4 * MESSAGES, 4 * MESSAGES), "{how:?}: {said}");
    }
}

/// Sends back what it gets.
async fn echo() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 2_048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            socket.send_to(&buffer[..length], from).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn peers_that_a_setting_allows_are_reached_by_the_network() {
    let server = server_with(|settings| settings.turn_peers = Some("127.0.0.0/8".to_owned())).await;
    let port = echo().await.port().to_string();
    for how in [&["-m", "2"][..], &["-s"], &["-t"], &["-t", "-s"]] {
        let said = said(&server, &pass(&server), &[how, &["-e", "127.0.0.1", "-r", &port]].concat()).await;
        let (sent, came) = counts(&said);
        assert!(sent >= MESSAGES && came == sent, "{how:?}: {said}");
    }
}

#[tokio::test]
async fn not_a_byte_reaches_what_isnt_on_the_internet() {
    let server = server().await;
    let listening = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = listening.local_addr().unwrap().port().to_string();
    let pass = pass(&server);
    let by_datagram = ["-e", "127.0.0.1", "-r", &port];
    let by_stream = ["-t", "-e", "127.0.0.1", "-r", &port];
    let (udp, tcp) = tokio::join!(said(&server, &pass, &by_datagram), said(&server, &pass, &by_stream));
    for said in [udp, tcp] {
        // It binds a channel or it asks for permission, by lot. Only the first refusal does it tell of.
        assert!(said.contains("channel bind: error 403") || counts(&said).1 == 0, "{said}");
    }
    let heard = listening.try_recv_from(&mut [0; 2_048]);
    assert_eq!(heard.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn wrong_credentials_get_nowhere() {
    let server = server().await;
    let (good, other) = (pass(&server), pass(&self::server().await));
    let wrong = IceServer { credential: format!("{}x", good.credential), ..good.clone() };
    let mixed = IceServer { credential: pass(&server).credential, ..good.clone() };
    let expired = IceServer { username: good.username.replacen("1", "0", 1), ..good.clone() };
    for pass in [wrong, mixed, expired, other] {
        let said = said(&server, &pass, &["-y", "-m", "2"]).await;
        assert!(said.contains("Cannot complete Allocation"), "{said}");
        assert_eq!(server.app.turn.as_ref().unwrap().allocations(), 0);
    }
}

#[tokio::test]
async fn no_rubbish_brings_it_down_and_a_stream_of_it_is_closed() {
    let server = server().await;
    let address = bound(&server);
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for length in (0..1_400).step_by(7) {
        let mut packet = vec![0; length];
        getrandom::fill(&mut packet).unwrap();
        if length % 2 == 0 && length >= 20 {
            packet[..8].copy_from_slice(&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
            packet[2..4].copy_from_slice(&((length - 20) as u16).to_be_bytes());
        }
        udp.send_to(&packet, address).await.unwrap();
    }
    for rubbish in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 64], &[0x40, 0, 0xff, 0xff, 1, 2, 3]] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(rubbish).await.unwrap();
        let ended = timeout(PATIENCE, stream.read(&mut [0; 64])).await.expect("it is closed");
        assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    }
    let said = said(&server, &pass(&server), &["-y", "-m", "2"]).await;
    assert_eq!(counts(&said).1, 2 * MESSAGES, "{said}");
}

#[tokio::test]
async fn caps_hold_for_clients_of_another_make() {
    let server = server_with(|settings| settings.turn_allocations_per_person = Some("3".to_owned())).await;
    let said = said(&server, &pass(&server), &["-y", "-m", "4"]).await;
    assert!(said.contains("error 486"), "{said}");
    let most = server.app.turn.as_ref().unwrap().allocations();
    assert!(most <= 3, "{most}");
}

#[tokio::test]
async fn it_goes_down_at_once_and_its_ports_are_free_again() {
    let server = server().await;
    let address = bound(&server);
    let mut stream = TcpStream::connect(address).await.unwrap();
    timeout(Duration::from_secs(5), server.stop()).await.expect("it goes down while a client is there");
    let ended = timeout(PATIENCE, stream.read(&mut [0; 1])).await.expect("the client is told");
    assert!(matches!(ended, Ok(0) | Err(_)));
    UdpSocket::bind(address).await.unwrap();
}

#[tokio::test]
async fn what_is_relayed_is_counted() {
    let server = server().await;
    let metric = async |name: &str| -> f64 {
        let page = server.program().get("/metrics").await.text;
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    };
    let before = metric("parlor_turn_sent_bytes_total").await;
    let said = said(&server, &pass(&server), &["-y", "-m", "2", "-l", "500"]).await;
    assert_eq!(counts(&said).1, 2 * MESSAGES, "{said}");
    let bytes = (2 * MESSAGES * 500) as f64;
    assert!(metric("parlor_turn_sent_bytes_total").await - before >= bytes);
    assert!(metric("parlor_turn_received_bytes_total").await >= bytes);
    assert!(metric("parlor_turn_opened_total").await >= 2.0);
}
