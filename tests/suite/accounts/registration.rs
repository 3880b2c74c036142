use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, PASSWORD, TestServer, client::send, client::with_form, nonce};

async fn register(client: &Client, name: &str, invite: Option<&str>) -> Answer {
    client.post("/api/auth/register", json!({"name": name, "password": PASSWORD, "invite": invite})).await
}

/// The secret in an invitation's link.
fn secret(url: &str) -> &str {
    url.split_once("?invite=").expect("a link").1
}

#[tokio::test]
async fn who_registers_first_on_this_machine_owns_the_server_and_nobody_else() {
    let server = TestServer::start().await;
    assert!(
        server.greeting.iter().any(|line| line.contains("who registers first will")),
        "{:?}",
        server.greeting
    );
    let [alice, bob] = server.people(["alice", "bob"]).await;
    assert_eq!(alice.api.get("/api/me").await.expect(200)["owner"], true);
    let me = bob.api.get("/api/me").await.expect(200);
    assert_eq!((&me["owner"], &me["user"], &me["name"]), (&json!(false), &json!(bob.id), &json!(bob.name)));
}

#[tokio::test]
async fn of_many_who_register_first_at_once_one_owns_the_server() {
    let server = TestServer::start().await;
    let program = server.program();
    let names: Vec<String> = (0..6).map(|n| format!("person{n}")).collect();
    let passes = join_all(names.iter().map(|name| register(&program, name, None))).await;
    let mut owners = 0;
    for pass in passes {
        let mut client = server.program();
        client.token = pass.expect(201)["access_token"].as_str().map(str::to_owned);
        owners += usize::from(client.get("/api/me").await.expect(200)["owner"] == true);
    }
    assert_eq!(owners, 1);
}

#[tokio::test]
async fn everybody_joins_general() {
    let server = TestServer::start().await;
    let [alice, bob] = server.people(["alice", "bob"]).await;
    for (person, role) in [(&alice, "owner"), (&bob, "member")] {
        let rooms = person.api.get("/api/rooms").await.expect(200);
        let rooms: Vec<&Value> = rooms["rooms"].as_array().unwrap().iter().collect();
        assert_eq!(rooms.len(), 1);
        assert_eq!((&rooms[0]["name"], &rooms[0]["role"]), (&json!("general"), &json!(role)));
    }
}

#[tokio::test]
async fn an_account_has_the_name_and_the_face_that_were_asked_for() {
    let server = TestServer::start().await;
    let mut api = server.program();
    let asked = json!({"name": " Ann.Lee ", "display": "Ann Lee 🌱", "password": PASSWORD});
    let pass = api.post("/api/auth/register", asked).await.expect(201);
    assert_eq!((&pass["token_type"], &pass["expires_in"]), (&json!("Bearer"), &json!(900)));
    api.token = pass["access_token"].as_str().map(str::to_owned);
    let me = api.get("/api/me").await.expect(200);
    assert_eq!(
        (&me["name"], &me["display"], &me["bio"]),
        (&json!("ann.lee"), &json!("Ann Lee 🌱"), &json!(""))
    );

    let me = api.patch("/api/me", json!({"bio": "Two\nlines"})).await.expect(200);
    assert_eq!((&me["display"], &me["bio"]), (&json!("Ann Lee 🌱"), &json!("Two\nlines")));
    api.patch("/api/me", json!({"display": "x".repeat(65)})).await.refused(400, "invalid");
    let without =
        api.request(Method::PATCH, "/api/me").header("idempotency-key", "").json(&json!({"bio": ""}));
    send(without).await.refused(400, "nonce_missing");
}

#[tokio::test]
async fn a_name_is_given_once_whatever_its_case() {
    let server = TestServer::start().await;
    let [_alice] = server.people(["alice"]).await;
    let error = register(&server.program(), "Alice", None).await.refused(409, "name_taken");
    assert_eq!(error["field"], "name");
}

#[tokio::test]
async fn what_is_wrong_with_a_form_is_told_with_its_field() {
    let server = TestServer::start().await;
    let program = server.program();
    let post = async |body: Value| program.post("/api/auth/register", body).await;
    let wrong_name = post(json!({"name": "a b", "password": PASSWORD})).await.refused(400, "invalid");
    assert_eq!(wrong_name["field"], "name");
    let wrong_face = post(json!({"name": "ann", "display": "a\nb", "password": PASSWORD})).await;
    assert_eq!(wrong_face.refused(400, "invalid")["field"], "display");
    for weak in ["password1", "ann", "qwertyuiop", "annannann"] {
        let error = post(json!({"name": "ann", "password": weak})).await.refused(422, "weak_password");
        assert_eq!(error["field"], "password");
        assert!(error["message"].as_str().unwrap().ends_with('.'), "{error}");
    }
    let long = post(json!({"name": "ann", "password": "long ".repeat(60)})).await.refused(400, "invalid");
    assert_eq!(long["field"], "password");
    post(json!({"name": "ann", "password": PASSWORD, "admin": true})).await.refused(400, "malformed");
    post(json!({"name": ["ann"], "password": PASSWORD})).await.refused(400, "malformed");
    post(json!({"name": "ann"})).await.refused(400, "malformed");
    post(json!({"name": "ann", "password": "x".repeat(300_000)})).await.refused(413, "too_large");

    let raw = |body: &'static [u8], kind: &'static str| {
        program.request(Method::POST, "/api/auth/register").header("content-type", kind).body(body)
    };
    send(raw(b"{", "application/json")).await.refused(400, "malformed");
    send(raw(b"{\"name\":\"\xff\xfe\",\"password\":\"x\"}", "application/json"))
        .await
        .refused(400, "malformed");
    send(raw(b"name=ann", "application/x-www-form-urlencoded")).await.refused(400, "malformed");
}

#[tokio::test]
async fn a_registration_that_is_sent_again_finds_its_account_by_its_password() {
    let server = TestServer::start().await;
    let program = server.program();
    let key = nonce();
    let again = async |password: &str| {
        let body = json!({"name": "ann", "password": password});
        let request = reqwest::Client::new().post(format!("{}/api/auth/register", server.url));
        send(request.header("idempotency-key", &key).json(&body)).await
    };
    let (first, second) = tokio::join!(again(PASSWORD), again(PASSWORD));
    let (first, second) = (first.expect(201), second.expect(201));
    assert_eq!(first["user"], second["user"]);
    assert_eq!(again(PASSWORD).await.expect(201)["user"], first["user"]);
    again("another-tuba-orbit").await.refused(409, "nonce_reused");
    register(&program, "ann", None).await.refused(409, "name_taken");
}

#[tokio::test]
async fn by_link_one_comes_in_as_often_as_it_has_uses() {
    let server = TestServer::with(|settings| settings.registration = Some("link".into())).await;
    let [alice] = server.people(["alice"]).await;
    let program = server.program();
    register(&program, "bob", None).await.refused(403, "registration_closed");
    register(&program, "bob", Some("made-up")).await.refused(403, "invite_invalid");

    let made = alice.api.post("/api/invites", json!({"uses": 2})).await.expect(201);
    let link = made["url"].as_str().unwrap();
    assert!(link.starts_with(&format!("{}/register?invite=", server.url)), "{link}");
    let listed = alice.api.get("/api/invites").await.expect(200);
    assert_eq!(listed["invites"][0]["uses_left"], 2);
    assert_eq!(listed["invites"][0]["url"], Value::Null, "the secret is told once");

    // A form that is refused uses nothing up.
    register(&program, "alice", Some(secret(link))).await.refused(409, "name_taken");
    let bob = register(&program, "bob", Some(secret(link))).await.expect(201);
    let mut bobs = server.program();
    bobs.token = bob["access_token"].as_str().map(str::to_owned);
    assert_eq!(bobs.get("/api/me").await.expect(200)["owner"], false);
    bobs.get("/api/invites").await.refused(403, "forbidden");
    bobs.post("/api/invites", json!({})).await.refused(403, "forbidden");
    register(&program, "carol", Some(secret(link))).await.expect(201);
    register(&program, "dave", Some(secret(link))).await.refused(403, "invite_invalid");

    let other = alice.api.post("/api/invites", json!({})).await.expect(201);
    let id = other["id"].as_str().unwrap();
    bobs.delete(&format!("/api/invites/{id}")).await.refused(403, "forbidden");
    alice.api.delete(&format!("/api/invites/{id}")).await.expect(204);
    alice.api.delete(&format!("/api/invites/{id}")).await.refused(404, "not_found");
    register(&program, "dave", Some(secret(other["url"].as_str().unwrap())))
        .await
        .refused(403, "invite_invalid");

    alice.api.post("/api/invites", json!({"days": 0})).await.refused(400, "invalid");
    alice.api.post("/api/invites", json!({"uses": 100_000})).await.refused(400, "invalid");
}

#[tokio::test]
async fn a_use_of_a_link_is_given_to_one_of_many_who_come_at_once() {
    let server = TestServer::with(|settings| settings.registration = Some("link".into())).await;
    let [alice] = server.people(["alice"]).await;
    let made = alice.api.post("/api/invites", json!({"uses": 1})).await.expect(201);
    let (program, link) = (server.program(), made["url"].as_str().unwrap());
    let names: Vec<String> = (0..5).map(|n| format!("person{n}")).collect();
    let answers = join_all(names.iter().map(|name| register(&program, name, Some(secret(link))))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
}

#[tokio::test]
async fn a_closed_server_takes_nobody_but_its_owner() {
    let server = TestServer::with(|settings| settings.registration = Some("closed".into())).await;
    let [alice] = server.people(["alice"]).await;
    let made = alice.api.post("/api/invites", json!({})).await.expect(201);
    let link = made["url"].as_str().unwrap();
    register(&server.program(), "bob", None).await.refused(403, "registration_closed");
    register(&server.program(), "bob", Some(secret(link))).await.refused(403, "registration_closed");
}

#[tokio::test]
async fn where_others_can_reach_the_server_its_owner_comes_by_the_printed_link_once() {
    let server = TestServer::with(|settings| {
        settings.public_url = Some("https://chat.example".into());
        settings.registration = Some("open".into());
    })
    .await;
    let line = server.greeting.iter().find(|line| line.contains("/register?invite=")).expect("a link");
    let link = line.split_whitespace().last().unwrap().to_owned();
    assert!(link.starts_with("https://chat.example/register?invite="), "{link}");

    let program = server.program();
    register(&program, "mallory", None).await.refused(403, "registration_closed");
    let pass = register(&program, "alice", Some(secret(&link))).await.expect(201);
    let mut alice = server.program();
    alice.token = pass["access_token"].as_str().map(str::to_owned);
    assert_eq!(alice.get("/api/me").await.expect(200)["owner"], true);
    register(&program, "mallory", Some(secret(&link))).await.refused(403, "invite_invalid");
    register(&program, "bob", None).await.expect(201);
    assert_eq!(alice.get("/api/invites").await.expect(200)["invites"], json!([]));

    let server = server.restart().await;
    assert!(!server.greeting.iter().any(|line| line.contains("/register?invite=")), "{:?}", server.greeting);
}

#[tokio::test]
async fn of_two_printed_links_only_one_makes_an_owner() {
    let server = TestServer::with(|settings| settings.public_url = Some("https://chat.example".into())).await;
    let other = server.app.accounts.owner_link().await.unwrap().expect("a link");
    let line = server.greeting.iter().find(|line| line.contains("/register?invite=")).expect("a link");
    let program = server.program();
    let (one, two) = tokio::join!(
        register(&program, "alice", Some(secret(line))),
        register(&program, "mallory", Some(secret(&other)))
    );
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403], "{one:?} {two:?}");
}

#[tokio::test]
async fn a_person_registers_by_the_form_and_is_in() {
    let server = TestServer::start().await;
    let browser = server.browser();
    let form = browser.get("/register").await;
    assert_eq!(form.status, 200);
    assert!(form.text.contains("this account will own the server"), "{}", form.text);
    let nonce = form.text.split_once("name=\"nonce\" value=\"").unwrap().1.split('"').next().unwrap();

    let fields = |password| {
        [("name", "ann"), ("display", "Ann"), ("password", password), ("invite", ""), ("nonce", nonce)]
    };
    let refused = browser.form("/register", &fields("password1")).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text.contains("password-error") && refused.text.contains("value=\"ann\""),
        "{}",
        refused.text
    );
    assert!(!refused.text.contains("password1") && refused.text.contains(nonce));

    let entered = browser.form("/register", &fields(PASSWORD)).await;
    assert_eq!((entered.status.as_u16(), entered.header("location")), (303, "/"));
    assert_eq!(browser.get("/api/me").await.expect(200)["display"], "Ann");

    // The same form once more, as after a lost answer.
    let again = server.browser();
    again.form("/register", &fields(PASSWORD)).await.expect(303);
    assert_eq!(again.get("/api/me").await.expect(200)["name"], "ann");
    assert_eq!(browser.get("/register").await.header("location"), "/");
}

#[tokio::test]
async fn a_form_that_is_no_form_is_refused() {
    let server = TestServer::start().await;
    let browser = server.browser();
    let answer =
        browser.form("/register", &[("name", "ann"), ("password", PASSWORD), ("nonce", "no nonce!")]).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("<main"), "a page: {}", answer.text);
    let odd = with_form(
        browser.request(Method::POST, "/login"),
        &[("name", "ann"), ("password", "x"), ("role", "owner")],
    );
    assert_eq!(send(odd).await.status, 400);
}
