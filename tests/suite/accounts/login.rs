use std::time::{Duration, Instant};

use parlor::{
    accounts::{Password, Passwords},
    model::{Timestamp, UserId, account::NewAccount},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, PASSWORD, TestServer, client::send};

async fn login(client: &Client, name: &str, password: &str) -> Answer {
    client.post("/api/auth/login", json!({"name": name, "password": password})).await
}

#[tokio::test]
async fn a_wrong_name_gets_the_same_answer_as_a_wrong_password() {
    let server = TestServer::start().await;
    let [_alice] = server.people(["alice"]).await;
    let program = server.program();
    let message = |mut error: Value| error["message"].take();
    let password =
        message(login(&program, "alice", "not-the-password").await.refused(401, "wrong_credentials"));
    for name in ["nobody", "", "not a name", "alice\u{0}", &"a".repeat(10_000)] {
        let answer = login(&program, name, PASSWORD).await.refused(401, "wrong_credentials");
        assert_eq!(message(answer), password, "{name:?}");
    }
}

#[tokio::test]
async fn a_wrong_name_takes_as_long_as_a_wrong_password() {
    let server = TestServer::with(|settings| settings.login_tries = Some("1000".into())).await;
    let [_alice] = server.people(["alice"]).await;
    let program = server.program();
    // The fastest of many, taken in turns: whatever else the machine does slows all of them.
    let mut fastest = [("alice", Duration::MAX), ("nobody", Duration::MAX), ("not a name", Duration::MAX)];
    for _ in 0..12 {
        for (name, best) in &mut fastest {
            let begun = Instant::now();
            login(&program, name, "not-the-password").await.refused(401, "wrong_credentials");
            *best = (*best).min(begun.elapsed());
        }
    }
    let [(_, known), others @ ..] = fastest;
    assert!(others.iter().all(|(_, other)| *other > known / 2), "{fastest:?}");
}

#[tokio::test]
async fn who_guesses_waits_longer_each_time_while_others_get_in() {
    let server = TestServer::with(|settings| {
        settings.login_tries = Some("3".into());
        settings.trusted_proxies = Some("127.0.0.0/8".into());
    })
    .await;
    let [_alice, _bob] = server.people(["alice", "bob"]).await;
    let program = server.program();
    let from = async |address: &str, name: &str, password: &str| {
        let request = program.request(Method::POST, "/api/auth/login").header("x-forwarded-for", address);
        send(request.json(&json!({"name": name, "password": password}))).await
    };
    for _ in 0..3 {
        from("203.0.113.1", "alice", "a-wild-guess").await.refused(401, "wrong_credentials");
    }
    let refused = from("203.0.113.1", "Alice", PASSWORD).await;
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.refused(429, "slow_down")["retry"], true);

    from("203.0.113.2", "alice", PASSWORD).await.expect(200);
    from("203.0.113.1", "bob", PASSWORD).await.expect(200);
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    from("203.0.113.1", "alice", PASSWORD).await.expect(200);
    // The right password makes up for the wrong ones before.
    from("203.0.113.1", "alice", "a-wild-guess").await.refused(401, "wrong_credentials");
    from("203.0.113.1", "alice", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn many_guesses_at_once_are_not_free() {
    let server = TestServer::with(|settings| settings.login_tries = Some("3".into())).await;
    let [_alice] = server.people(["alice"]).await;
    let program = server.program();
    let guesses = (0..12).map(|_| login(&program, "alice", "a-wild-guess"));
    let answers = futures_util::future::join_all(guesses).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 401).count(), 3);
    assert_eq!(answers.iter().filter(|answer| answer.status == 429).count(), 9);
}

#[tokio::test]
async fn an_address_that_tries_many_names_is_slowed_down() {
    let server = TestServer::with(|settings| settings.login_rate = Some("5".into())).await;
    let program = server.program();
    for n in 0..5 {
        login(&program, &format!("person{n}"), "a-wild-guess").await.refused(401, "wrong_credentials");
    }
    let refused = login(&program, "person9", "a-wild-guess").await;
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 1);
    refused.refused(429, "slow_down");
    let registering = json!({"name": "ann", "password": PASSWORD});
    program.post("/api/auth/register", registering).await.refused(429, "slow_down");
}

#[tokio::test]
async fn an_account_whose_making_broke_off_is_completed_at_the_next_login() {
    let server = TestServer::start().await;
    let passwords = Passwords::default();
    let typed = Password::typed("password", PASSWORD.to_owned()).unwrap();
    let password = passwords.accept("password", typed, vec![]).await.unwrap();
    for (name, owner) in [("alice", true), ("bob", false)] {
        let (id, created) = (UserId::new(), Timestamp::now());
        let (name, password) = (name.parse().unwrap(), password.clone());
        let account = NewAccount { id, name, password, owner, invite: None, created };
        assert!(!server.app.store.create_account(account).await.unwrap().complete);
    }
    // Bob comes first: the room that he joins is made by then.
    for name in ["bob", "alice"] {
        let mut program = server.program();
        let pass = login(&program, name, PASSWORD).await.expect(200);
        program.token = pass["access_token"].as_str().map(str::to_owned);
        assert_eq!(program.get("/api/me").await.expect(200)["display"], name);
        assert_eq!(program.get("/api/rooms").await.expect(200)["rooms"][0]["name"], "general");
    }
}

#[tokio::test]
async fn a_person_logs_in_by_the_form_and_lands_where_they_wanted() {
    let server = TestServer::start().await;
    let [_alice] = server.people(["alice"]).await;
    let browser = server.browser();
    let form = browser.get("/login?next=/settings").await;
    assert!(form.text.contains("name=\"next\" value=\"/settings\""), "{}", form.text);

    let wrong = browser
        .form("/login", &[("name", "alice"), ("password", "a-wild-guess"), ("next", "/settings")])
        .await;
    assert_eq!(wrong.status, 401);
    assert!(
        wrong.text.contains("role=\"alert\"") && wrong.text.contains("value=\"/settings\""),
        "{}",
        wrong.text
    );
    assert!(!wrong.text.contains("a-wild-guess"));
    assert_eq!(wrong.header("set-cookie"), "");

    let fields = |next| [("name", "alice"), ("password", PASSWORD), ("next", next)];
    assert_eq!(browser.form("/login", &fields("/settings")).await.header("location"), "/settings");
    assert_eq!(browser.get("/login?next=/settings").await.header("location"), "/settings");
    for elsewhere in ["https://evil.test/", "//evil.test", "/\\evil.test"] {
        let answer = server.browser().form("/login", &fields(elsewhere)).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/"), "{elsewhere}");
    }
}
