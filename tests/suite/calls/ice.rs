//! The servers that pages are given to find ways by, and for how long they serve.

use std::{fs, time::Duration};

use parlor::calls::turn::IceServer;
use serde_json::{Value, json};

use super::caller::Caller;
use crate::{
    people::{Person, people},
    program::{Program, data_folder},
    services::until,
    support::TestServer,
    turn::{counts, said_to},
};

/// The one server that is told, as coturn's client takes it.
fn server(ice: &Value) -> IceServer {
    assert_eq!(ice["ttl"], 3_600);
    let [server] = ice["servers"].as_array().unwrap().as_slice() else { panic!("not one server: {ice}") };
    let text = |field: &str| server[field].as_str().unwrap().to_owned();
    IceServer {
        urls: server["urls"].as_array().unwrap().iter().map(|url| url.as_str().unwrap().to_owned()).collect(),
        username: text("username"),
        credential: text("credential"),
        ttl: Duration::from_secs(3_600),
    }
}

fn port(server: &IceServer) -> u16 {
    server.urls[0].rsplit_once(':').unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn who_joins_is_given_servers_that_serve_them_and_so_is_who_asks() {
    let house = TestServer::with(|settings| settings.turn_bind = Some("127.0.0.1:0".to_owned())).await;
    let [alice, bob] = people(&house.url, ["alice", "bob"]).await;
    let room = alice.general().await;
    let hers = Caller::join(&alice, &room).await;
    let told = server(&hers.joined["ice"]);
    let at = format!("127.0.0.1:{}", port(&told));
    let urls = [format!("stun:{at}"), format!("turn:{at}?transport=udp"), format!("turn:{at}?transport=tcp")];
    assert_eq!(told.urls, urls);
    let (until, user) = told.username.split_once(':').unwrap();
    let left = until.parse::<i64>().unwrap() - parlor::model::Timestamp::now().0 / 1_000;
    assert!(user == alice.user && (3_500..=3_600).contains(&left), "{}", told.username);
    let asked = server(&bob.get("/api/calls/ice").await.ok());
    assert_ne!((&asked.username, &asked.credential), (&told.username, &told.credential));
    for pass in [told, asked] {
        let said = said_to(port(&pass), &pass, &["-y", "-m", "2"]).await;
        let (sent, came) = counts(&said);
        assert!(sent > 0 && came == sent, "{said}");
    }
}

#[tokio::test]
async fn without_a_relay_there_are_no_servers() {
    let house = TestServer::start().await;
    let [alice] = people(&house.url, ["alice"]).await;
    let hers = Caller::join(&alice, &alice.general().await).await;
    assert_eq!(hers.joined["ice"], json!({ "servers": [], "ttl": 3_600 }));
}

/// Coturn's client refreshes all that it has after half a minute: by then the server's clock is an hour on.
#[tokio::test]
async fn what_runs_goes_on_past_the_hour_of_its_credentials_and_they_open_nothing_more() {
    let (folder, data) = data_folder();
    let clock = folder.path().join("clock");
    fs::write(&clock, "+0").unwrap();
    let settings = [
        ("PARLOR_PUBLIC_ADDRESS", "127.0.0.1"),
        ("PARLOR_TURN_BIND", "127.0.0.1:0"),
        ("PARLOR_LOGIN_RATE", "100000"),
    ];
    let program = Program::by_the_clock(&data, &settings, &clock).await;
    let alice = Person::register(&program.url, "alice").await;
    let pass = server(&alice.get("/api/calls/ice").await.ok());
    let metric = async |name: &str| -> f64 {
        let page = alice.get("/metrics").await.text;
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    };
    let long = async {
        // 200 messages, five a second.
        said_to(port(&pass), &pass, &["-v", "-y", "-m", "2", "-n", "220", "-z", "200"]).await
    };
    let moved = async {
        until("it is open", async || metric("parlor_turn_sent_bytes_total").await > 1_000.0).await;
        fs::write(&clock, "+61m").unwrap();
        let later = parlor::model::Timestamp::now().0 / 1_000 + 3_600;
        until("the server's clock is an hour on", async || {
            // By then her token has run out as well.
            let later_on = Person::login(&program.url, "alice").await;
            let fresh = server(&later_on.get("/api/calls/ice").await.ok());
            fresh.username.split_once(':').unwrap().0.parse::<i64>().unwrap() > later + 3_600
        })
        .await;
        said_to(port(&pass), &pass, &["-y", "-m", "2"]).await
    };
    let (long, refused) = tokio::join!(long, moved);
    assert_eq!(counts(&long), (440, 440), "{long}");
    assert!(long.matches("refresh sent").count() >= 2, "{long}");
    assert!(refused.contains("Cannot complete Allocation"), "{refused}");
}
