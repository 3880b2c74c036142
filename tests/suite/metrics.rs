//! What a node counts of itself, and who may know.

use reqwest::Method;

use crate::{people::Answer, program::House, services::until};

const TOKEN: &str = "a-token-for-metrics";

/// A metric's value; with labels in braces after the name, as it stands in the text.
fn value(page: &str, name: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

/// What somebody with these headers is answered.
async fn ask(house: &House, headers: &[(&str, &str)]) -> Answer {
    let request = reqwest::Client::new().request(Method::GET, format!("{}/metrics", house.url));
    Answer::to(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

async fn page(house: &House) -> String {
    let answer = ask(house, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    answer.text
}

#[tokio::test]
async fn a_change_is_counted_where_it_passes() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.general().await;
    let before = page(&house).await;
    alice.say(&room, "hello").await;
    let after = page(&house).await;
    let rise = |name: &str| value(&after, name) - value(&before, name);
    for name in ["parlor_append_seconds_count", "parlor_append_entries_sum", "parlor_ack_seconds_count"] {
        assert_eq!(rise(name), 1.0, "{name}\n{after}");
    }
    for name in ["parlor_write_batch_count", "parlor_request_seconds_count{status=\"2xx\"}"] {
        assert!(rise(name) >= 1.0, "{name}\n{after}");
    }
    let version = format!("parlor_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(value(&after, &version), 1.0);
    assert_eq!(value(&after, "parlor_bus_connected"), 1.0);
    assert!(value(&after, "parlor_open_files_limit") >= 1_024.0);
    assert!(value(&after, "parlor_start_time_seconds") > 1.7e9);
    assert!(after.contains("parlor_ack_seconds_bucket{le=\"0.0025\"}"), "fixed buckets\n{after}");
    assert!(
        after.contains("# HELP parlor_ack_seconds ") && after.contains("# TYPE parlor_ack_seconds histogram")
    );
}

#[tokio::test]
async fn sockets_and_what_they_are_handed_are_counted() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let room = alice.general().await;
    let sockets = [alice.socket().await, alice.socket().await];
    let before = page(&house).await;
    assert_eq!((value(&before, "parlor_sockets"), value(&before, "parlor_sockets_opened_total")), (2.0, 2.0));
    alice.say(&room, "hello").await;
    until("both deliveries are counted", async || {
        value(&page(&house).await, "parlor_deliveries_total")
            >= value(&before, "parlor_deliveries_total") + 2.0
    })
    .await;
    drop(sockets);
    until("their end is counted", async || {
        value(&page(&house).await, "parlor_socket_closes_total{reason=\"left\"}") == 2.0
    })
    .await;
    assert_eq!(value(&page(&house).await, "parlor_sockets"), 0.0);
}

#[tokio::test]
async fn metrics_are_for_this_machine_and_for_who_has_the_token() {
    let house = House::with(&[("PARLOR_METRICS_TOKEN", TOKEN)]).await;
    assert_eq!(ask(&house, &[]).await.status, 200);
    for elsewhere in [
        ("x-forwarded-for", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9"),
        ("x-real-ip", "203.0.113.9"),
        ("via", "1.1 proxy"),
        ("host", "chat.example"),
        ("host", "127.0.0.1.chat.example:8080"),
    ] {
        assert_eq!(ask(&house, &[elsewhere]).await.code(), "unauthenticated", "{elsewhere:?}");
        let shown = format!("Bearer {TOKEN}");
        assert_eq!(ask(&house, &[elsewhere, ("authorization", &shown)]).await.status, 200, "{elsewhere:?}");
        let wrong = format!("Bearer {TOKEN}s");
        assert_eq!(ask(&house, &[elsewhere, ("authorization", &wrong)]).await.status, 401, "{elsewhere:?}");
    }
}

#[tokio::test]
async fn without_a_token_nobody_else_may_know() {
    let house = House::open().await;
    for shown in ["Bearer ", "Bearer x", "Basic x", ""] {
        let headers = [("x-forwarded-for", "203.0.113.9"), ("authorization", shown)];
        assert_eq!(ask(&house, &headers).await.status, 401, "{shown}");
    }
}
