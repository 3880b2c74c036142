use std::{
    path::Path,
    time::{Duration, Instant},
};

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
    time::timeout,
};

use crate::support::{PASSWORD, TestServer, client::send, client::with_form};

#[tokio::test]
async fn a_write_by_cookie_must_come_from_our_own_pages() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let login = with_form(
        server.program().request(Method::POST, "/login").header("origin", &server.url),
        &[("name", "alice"), ("password", PASSWORD)],
    );
    let cookie = send(login).await.header("set-cookie").split(';').next().unwrap().to_owned();
    let program = server.program();
    let write = |headers: &[(&str, &str)]| {
        let request = program.request(Method::PATCH, "/api/me").header("cookie", &cookie);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        send(request.json(&json!({"bio": "hello"})))
    };
    write(&[]).await.refused(403, "cross_site");
    write(&[("sec-fetch-site", "cross-site")]).await.refused(403, "cross_site");
    write(&[("sec-fetch-site", "same-site")]).await.refused(403, "cross_site");
    write(&[("sec-fetch-site", "none")]).await.refused(403, "cross_site");
    write(&[("origin", "https://evil.test")]).await.refused(403, "cross_site");
    write(&[("origin", "null")]).await.refused(403, "cross_site");
    write(&[("referer", &server.url)]).await.refused(403, "cross_site");
    write(&[("sec-fetch-site", "same-origin")]).await.expect(200);
    write(&[("origin", &server.url)]).await.expect(200);

    // A program shows a token, which no other site's page can.
    alice.api.patch("/api/me", json!({"bio": "hello"})).await.expect(200);
    let reading = program.request(Method::GET, "/api/me").header("cookie", &cookie);
    send(reading.header("sec-fetch-site", "cross-site")).await.expect(200);
}

#[tokio::test]
async fn another_sites_page_logs_nobody_in_or_out() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let program = server.program();
    let fields = [("name", "alice"), ("password", PASSWORD)];
    for path in ["/login", "/register", "/logout"] {
        let bare = with_form(program.request(Method::POST, path), &fields);
        assert_eq!(send(bare).await.status, 403, "{path}");
        let crossing = program.request(Method::POST, path).header("origin", "https://evil.test");
        let answer = send(with_form(crossing, &fields)).await;
        assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (403, ""), "{path}");
    }
    alice.page.get("/api/me").await.expect(200);
}

#[tokio::test]
async fn a_socket_by_cookie_needs_our_origin() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let upgrade = |request: RequestBuilder| {
        let upgrade = [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13")];
        let request = upgrade.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    };
    let asked = || alice.page.request(Method::GET, "/ws");
    assert_eq!(send(upgrade(asked())).await.status, 403);
    assert_eq!(send(upgrade(asked()).header("origin", "https://evil.test")).await.status, 403);
    let anybody = server.program().request(Method::GET, "/ws").header("origin", &server.url);
    send(upgrade(anybody)).await.refused(401, "unauthenticated");
    let ours = upgrade(asked()).header("origin", &server.url).send().await.unwrap();
    assert_eq!(ours.status(), 101);
}

#[tokio::test]
async fn a_name_that_was_made_to_point_here_gets_nothing() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let by = |path: &str, host: &str| alice.api.request(Method::GET, path).header("host", host);
    for host in ["evil.test", "localhost.evil.test", "127.0.0.1.evil.test", ""] {
        send(by("/api/me", host)).await.refused(403, "cross_site");
    }
    let port = server.app.config.bind.port();
    send(by("/api/me", &format!("127.0.0.1:{port}"))).await.expect(200);
    send(by("/healthz", "10.0.0.7")).await.expect(200);

    let page = by("/rooms/x?at=1", &format!("127.0.0.1:{port}")).header("accept", "text/html");
    let answer = send(page).await;
    let right = format!("{}/rooms/x?at=1", server.url);
    assert_eq!((answer.status.as_u16(), answer.header("location")), (307, right.as_str()));
}

#[tokio::test]
async fn every_answer_tells_browsers_what_they_may_not_do() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    for path in ["/login", "/", "/settings", "/api/me", "/nothing", "/healthz", "/sw.js", "/assets/x/nothing"]
    {
        let answer = alice.page.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("strict-transport-security"), "", "{path}");
        assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
    }
    assert_eq!(alice.page.get("/api/me").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_file_of_the_page_bears_what_it_needs_and_no_more() {
    let server = TestServer::start().await;
    let door = server.browser().get("/login").await.text;
    let (_, prefix) = door.split_once("href=\"/assets/").unwrap();
    let (hash, _) = prefix.split_once('/').unwrap();
    let http = reqwest::Client::new();
    let get = |path: String, accept: &'static str| {
        http.get(format!("{}{path}", server.url)).header("accept-encoding", accept).send()
    };
    let sizes = {
        let mut sizes = vec![];
        for (accept, packed) in [("identity", None), ("gzip", Some("gzip")), ("gzip, br", Some("br"))] {
            let answer = get(format!("/assets/{hash}/css/base.css"), accept).await.unwrap();
            let mut names: Vec<&str> = answer.headers().keys().map(|name| name.as_str()).collect();
            names.sort_unstable();
            let mut expected = vec!["cache-control", "content-length", "content-type"];
            expected.extend(["cross-origin-resource-policy", "date", "vary", "x-content-type-options"]);
            expected.extend(packed.map(|_| "content-encoding"));
            expected.sort_unstable();
            assert_eq!(names, expected);
            assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable");
            assert_eq!(answer.headers().get("content-encoding").map(|name| name.to_str().unwrap()), packed);
            sizes.push(answer.bytes().await.unwrap().len());
        }
        sizes
    };
    assert!(sizes[0] > 3 * sizes[1] && sizes[1] > sizes[2], "{sizes:?}");
    let old = get("/assets/0123456789abcdef/css/base.css".to_owned(), "gzip").await.unwrap();
    assert_eq!(old.headers()["cache-control"], "no-cache", "an old address may lead to something new");
    let icon = get(format!("/assets/{hash}/img/icon-192.png"), "br").await.unwrap();
    assert_eq!(icon.headers()["content-type"], "image/png");
    assert!(icon.headers().get("content-encoding").is_none());
    let worker = get("/sw.js".to_owned(), "identity").await.unwrap();
    assert_eq!(worker.headers()["cache-control"], "no-cache");
    assert!(worker.text().await.unwrap().contains(hash), "its words change with the files");
}

/// Comments are taken out on the way; what is left has to be a script still.
#[tokio::test]
async fn every_script_of_the_page_can_be_read() {
    let server = TestServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("static/js");
    let mut folders = vec![source.clone()];
    let mut scripts = vec![];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { scripts.push(path) }
        }
    }
    assert!(scripts.len() > 50);
    for (n, script) in scripts.iter().enumerate() {
        let name = script.strip_prefix(&source).unwrap().to_str().unwrap();
        let script = reqwest::get(format!("{}/assets/now/js/{name}", server.url)).await.unwrap();
        let script = script.error_for_status().unwrap().text().await.unwrap();
        std::fs::write(folder.path().join(format!("{n}.mjs")), script).unwrap();
    }
    let parse = "import { readdirSync, readFileSync } from 'node:fs'; import { SourceTextModule } from 'node:vm';
        for (const name of readdirSync('.')) new SourceTextModule(readFileSync(name, 'utf8'), { identifier: name });";
    let mut node = Command::new("node");
    node.args(["--experimental-vm-modules", "--input-type=module", "--eval", parse])
        .current_dir(folder.path());
    let read = node.output().await.unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
}

#[tokio::test]
async fn an_error_is_a_page_to_people_and_json_to_programs() {
    let server = TestServer::start().await;
    let page = server.browser().get("/nothing").await;
    assert_eq!(page.status, 404);
    assert!(
        page.header("content-type").starts_with("text/html")
            && page.text.contains(page.header("x-request-id"))
    );
    let program = server.program();
    program.get("/nothing").await.refused(404, "not_found");
    server.browser().get("/api/nothing").await.refused(404, "not_found");
    program.post("/api/me", json!({})).await.refused(404, "not_found");
    program.get("/api/sessions/%ff").await.refused(404, "not_found");
}

#[tokio::test]
async fn the_api_describes_itself_without_any_network() {
    let server = TestServer::start().await;
    let description = server.program().get("/api/openapi.json").await.expect(200);
    assert!(description["openapi"].as_str().unwrap().starts_with("3."), "{description}");
    assert_eq!(description["paths"]["/api/auth/login"]["post"]["operationId"], "post_auth_login");
    let page = server.browser().get("/api/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("/api/rooms/{room}/messages") && page.text.contains("id=\"PassBody\""));
    assert!(!page.text.contains("//"), "nothing comes from elsewhere");
}

#[tokio::test]
async fn it_is_alive_and_ready() {
    let server = TestServer::start().await;
    assert_eq!(server.program().get("/healthz").await.text, "ok\n");
    assert_eq!(server.program().get("/readyz").await.text, "ready\n");
}

async fn connect(server: &TestServer) -> TcpStream {
    TcpStream::connect(server.app.config.bind).await.unwrap()
}

/// Whether the server closes this connection within a few seconds.
async fn closes(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await.is_ok()
}

#[tokio::test]
async fn who_sends_a_head_or_a_body_too_slowly_is_let_go() {
    let server = TestServer::with(|settings| {
        settings.header_timeout = Some("1".into());
        settings.request_timeout = Some("1".into());
    })
    .await;
    let begun = Instant::now();
    let mut silent = connect(&server).await;
    let mut slow = connect(&server).await;
    slow.write_all(b"GET / HTTP/1.1\r\nHost: local").await.unwrap();
    let mut body = connect(&server).await;
    let head = format!(
        "POST /api/auth/login HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
        server.app.config.bind.port()
    );
    body.write_all(head.as_bytes()).await.unwrap();
    assert!(closes(&mut silent).await && closes(&mut slow).await);
    let mut answer = vec![0; 4096];
    let length = timeout(Duration::from_secs(5), body.read(&mut answer)).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&answer[..length]).starts_with("HTTP/1.1 503"));
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn one_address_has_only_so_many_connections() {
    let server = TestServer::with(|settings| settings.max_connections_per_address = Some("2".into())).await;
    let mut first = connect(&server).await;
    let second = connect(&server).await;
    let mut third = connect(&server).await;
    assert!(closes(&mut third).await);
    drop(second);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut fourth = connect(&server).await;
    for stream in [&mut first, &mut fourth] {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[tokio::test]
async fn a_server_that_stops_ends_what_it_has_begun() {
    let server = TestServer::start().await;
    let mut stream = connect(&server).await;
    let body = json!({"name": "nobody", "password": PASSWORD}).to_string();
    let (port, length) = (server.app.config.bind.port(), body.len());
    let head = format!(
        "POST /api/auth/login HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let stopping = tokio::spawn(server.stop());
    tokio::time::sleep(Duration::from_millis(50)).await;
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(Duration::from_secs(8), stream.read_to_string(&mut answer)).await.expect("in time").unwrap();
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("wrong_credentials"), "{answer}");
    timeout(Duration::from_secs(8), stopping).await.expect("in time").unwrap();
}
