use futures_util::StreamExt;
use parlor::model::{SessionId, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use crate::support::{Answer, Client, PASSWORD, Person, TestServer, client::send, client::with_form};

/// The session's cookie that an answer sets, as `name=value`.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// What a page's request with this cookie gets.
async fn me(server: &TestServer, cookie: &str) -> Answer {
    send(server.program().request(Method::GET, "/api/me").header("cookie", cookie)).await
}

/// Logs in by the form, with this cookie in the browser.
async fn log_in(server: &TestServer, name: &str, with: &str) -> Answer {
    let request = server.program().request(Method::POST, "/login").header("sec-fetch-site", "same-origin");
    send(with_form(request.header("cookie", with), &[("name", name), ("password", PASSWORD)])).await
}

async fn session_of(client: &Client) -> String {
    client.get("/api/me").await.expect(200)["session"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_cookie_is_for_this_server_alone_and_not_for_scripts() {
    let server = TestServer::start().await;
    let [_alice] = server.people(["alice"]).await;
    let set = log_in(&server, "alice", "").await.header("set-cookie").to_owned();
    let parts: Vec<&str> = set.split("; ").collect();
    assert!(parts[0].starts_with("parlor=") && parts[0].len() > 25, "{set}");
    assert_eq!(parts[1..], ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"], "{set}");
}

#[tokio::test]
async fn under_tls_the_cookie_is_bound_to_the_host_and_to_tls() {
    let server = TestServer::with(|settings| settings.public_url = Some("https://chat.example".into())).await;
    let link = server.app.accounts.owner_link().await.unwrap().unwrap();
    let invite = link.split_once('=').unwrap().1;
    let form = [("name", "alice"), ("password", PASSWORD), ("invite", invite), ("nonce", "n1")];
    let request = server.program().request(Method::POST, "/register").header("host", "chat.example");
    let answer = send(with_form(request.header("origin", "https://chat.example"), &form)).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let set = answer.header("set-cookie");
    assert!(
        set.starts_with("__Host-parlor=") && set.contains("; Secure") && set.contains("; Path=/"),
        "{set}"
    );
    assert!(!set.contains("Domain"), "{set}");
    assert!(answer.header("strict-transport-security").starts_with("max-age="));
    assert_eq!(me(&server, &cookie(&answer)).await.expect(200)["name"], "alice");
    let plain = cookie(&answer).replace("__Host-", "");
    me(&server, &plain).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_cookie_that_was_planted_before_the_login_names_nothing_after_it() {
    let server = TestServer::start().await;
    let [_alice, _mallory] = server.people(["alice", "mallory"]).await;
    let invented = "parlor=AAAAAAAAAAAAAAAAAAAAAA";
    let after = cookie(&log_in(&server, "alice", invented).await);
    assert_ne!(after, invented);
    me(&server, invented).await.refused(401, "unauthenticated");

    // Mallory's own session, planted in Alice's browser, doesn't become Alice's.
    let planted = cookie(&log_in(&server, "mallory", "").await);
    let after = cookie(&log_in(&server, "alice", &planted).await);
    assert_ne!(after, planted);
    assert_eq!(me(&server, &after).await.expect(200)["name"], "alice");
    me(&server, &planted).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn who_isnt_logged_in_gets_no_cookie() {
    let server = TestServer::start().await;
    for path in ["/login", "/register", "/", "/api/me", "/nothing"] {
        assert_eq!(server.browser().get(path).await.header("set-cookie"), "", "{path}");
    }
}

#[tokio::test]
async fn what_the_cookie_holds_is_not_in_the_store() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let shown = cookie(&log_in(&server, "alice", "").await);
    let value = shown.split_once('=').unwrap().1;
    let secrets = [value, alice.pass["refresh_token"].as_str().unwrap(), PASSWORD];
    for file in std::fs::read_dir(&server.app.config.data).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in secrets {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
        }
    }
}

#[tokio::test]
async fn one_sees_where_one_is_logged_in_and_ends_what_one_wants() {
    let server = TestServer::start().await;
    let [alice, bob] = server.people(["alice", "bob"]).await;
    let listed = alice.page.get("/api/sessions").await.expect(200);
    let listed = listed["sessions"].as_array().unwrap();
    let kinds: Vec<(&Value, &Value)> =
        listed.iter().map(|session| (&session["kind"], &session["current"])).collect();
    assert_eq!(kinds.len(), 2);
    assert!(
        kinds.contains(&(&json!("browser"), &json!(true)))
            && kinds.contains(&(&json!("program"), &json!(false)))
    );

    let program = session_of(&alice.api).await;
    bob.api.delete(&format!("/api/sessions/{program}")).await.refused(404, "not_found");
    bob.api.delete("/api/sessions/not-an-id").await.refused(404, "not_found");
    alice.page.delete(&format!("/api/sessions/{program}")).await.expect(204);
    alice.api.get("/api/me").await.refused(401, "unauthenticated");
    alice.page.get("/api/me").await.expect(200);
    alice.page.delete(&format!("/api/sessions/{program}")).await.refused(404, "not_found");
    let refresh = json!({"refresh_token": alice.pass["refresh_token"]});
    server.program().post("/api/auth/refresh", refresh).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn all_others_end_at_once() {
    let server = TestServer::start().await;
    let [alice, bob] = server.people(["alice", "bob"]).await;
    alice.api.delete("/api/sessions").await.expect(204);
    alice.page.get("/api/me").await.refused(401, "unauthenticated");
    alice.api.get("/api/me").await.expect(200);
    bob.page.get("/api/me").await.expect(200);
}

#[tokio::test]
async fn logging_out_ends_the_session_not_only_the_cookie() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let shown = cookie(&log_in(&server, "alice", "").await);
    let request = server.program().request(Method::POST, "/logout").header("sec-fetch-site", "same-origin");
    let answer = send(request.header("cookie", &shown)).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/login"));
    assert!(answer.header("set-cookie").contains("Max-Age=0"), "{}", answer.header("set-cookie"));
    me(&server, &shown).await.refused(401, "unauthenticated");

    alice.api.post("/api/auth/logout", Value::Null).await.expect(204);
    alice.api.get("/api/me").await.refused(401, "unauthenticated");
    alice.page.form("/logout", &[]).await.expect(303);
    assert_eq!(alice.page.get("/settings").await.header("location"), "/login?next=/settings");
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions_and_the_old_password() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let change = async |current: &str, new: &str| {
        alice.page.post("/api/me/password", json!({"current": current, "new": new})).await
    };
    assert_eq!(
        change("a-wild-guess", "quorum-lantern-7").await.refused(401, "wrong_credentials")["field"],
        "current"
    );
    assert_eq!(change(PASSWORD, "alicealice").await.refused(422, "weak_password")["field"], "new");
    alice.api.get("/api/me").await.expect(200);

    change(PASSWORD, "quorum-lantern-7").await.expect(204);
    alice.page.get("/api/me").await.expect(200);
    alice.api.get("/api/me").await.refused(401, "unauthenticated");
    let login = async |password: &str| {
        server.program().post("/api/auth/login", json!({"name": "alice", "password": password})).await
    };
    login(PASSWORD).await.refused(401, "wrong_credentials");
    login("quorum-lantern-7").await.expect(200);
}

#[tokio::test]
async fn a_login_that_a_new_password_overtakes_comes_to_nothing() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let accounts = &server.app.accounts;
    let from = parlor::accounts::Client::new([127, 0, 0, 1].into(), "a test");
    let password = parlor::accounts::Password::typed("password", PASSWORD.to_owned()).unwrap();
    let overtaken = accounts.login("alice", password, &from).await.unwrap();
    let change = json!({"current": PASSWORD, "new": "quorum-lantern-7"});
    alice.page.post("/api/me/password", change).await.expect(204);
    let refused = accounts.begin_program(&overtaken, &from).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "wrong_credentials");
    assert_eq!(accounts.sessions(overtaken.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn sessions_outlive_the_server() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let server = server.restart().await;
    assert_eq!(alice.page.get("/api/me").await.expect(200)["name"], "alice");
    assert_eq!(alice.api.get("/api/me").await.expect(200)["name"], "alice");
    drop(server);
}

#[tokio::test]
async fn a_session_that_wasnt_used_for_long_is_over() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    for client in [&alice.page, &alice.api] {
        let session: SessionId = session_of(client).await.parse().unwrap();
        let now = Timestamp::now();
        server.app.store.touch_session(session, now, now).await.unwrap();
        client.get("/api/me").await.refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_session_that_is_used_lives_on_and_its_cookie_with_it() {
    let server = TestServer::start().await;
    let [_alice] = server.people(["alice"]).await;
    let shown = cookie(&log_in(&server, "alice", "").await);
    let fresh = me(&server, &shown).await;
    assert_eq!(fresh.header("set-cookie"), "", "a look-up writes nothing");
    let session: SessionId = fresh.expect(200)["session"].as_str().unwrap().parse().unwrap();

    let now = Timestamp::now();
    let earlier = now.minus(std::time::Duration::from_secs(600));
    server
        .app
        .store
        .touch_session(session, earlier, now.plus(std::time::Duration::from_secs(60)))
        .await
        .unwrap();
    let later = me(&server, &shown).await;
    assert_eq!(cookie(&later), shown);
    assert!(later.header("set-cookie").contains("Max-Age=2592000"));
    let kept = server.app.store.session(session, now).await.unwrap().unwrap();
    assert!(
        kept.seen >= now && kept.expires > now.plus(std::time::Duration::from_secs(29 * 24 * 3600)),
        "{kept:?}"
    );
}

#[tokio::test]
async fn an_ended_sessions_sockets_close() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let mut socket = socket(&server, &alice).await;
    let program = session_of(&alice.api).await;
    alice.page.delete(&format!("/api/sessions/{program}")).await.expect(204);
    let closed = async {
        while let Some(frame) = socket.next().await {
            if let Ok(Message::Close(Some(close))) = frame {
                return u16::from(close.code);
            }
        }
        0
    };
    let code = tokio::time::timeout(std::time::Duration::from_secs(5), closed).await.expect("in time");
    assert_eq!(code, 4001);
}

async fn socket(
    server: &TestServer,
    person: &Person,
) -> tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>> {
    let mut request = format!("{}/ws", server.url.replace("http", "ws")).into_client_request().unwrap();
    let token = person.api.token.as_deref().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let first = socket.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(first.contains("\"heads\""), "{first}");
    socket
}
