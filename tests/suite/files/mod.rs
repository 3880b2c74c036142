//! Files: uploaded, posted, had by those who may, shown, let go.

mod killed;
mod nodes;
mod pictures;
mod posting;
mod runs_nothing;
mod serving;
mod uploads;

use std::io::Cursor;

use base64::{Engine, prelude::BASE64_STANDARD};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    services::until,
    support::{
        PASSWORD, TestServer,
        client::{Answer, Client, Person, people_at, send},
    },
};

const BYTES: &str = "application/offset+octet-stream";

/// Bytes that look like nothing, the same for the same seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::once(0).chain(std::iter::repeat_with(next)).take(length).collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Begins an upload, and returns its path.
pub(crate) async fn begin(client: &Client, name: &str, length: usize) -> String {
    let answer = begin_with(client, &[("filename", name)], length).await;
    let path = answer.header("location").to_owned();
    answer.expect(201);
    path
}

async fn begin_with(client: &Client, said: &[(&str, &str)], length: usize) -> Answer {
    let said: Vec<_> =
        said.iter().map(|(name, value)| format!("{name} {}", BASE64_STANDARD.encode(value))).collect();
    let request = client.request(Method::POST, "/api/uploads").header("tus-resumable", "1.0.0");
    send(request.header("upload-length", length).header("upload-metadata", said.join(","))).await
}

async fn add(client: &Client, path: &str, offset: usize, bytes: &[u8]) -> Answer {
    let request = client.request(Method::PATCH, path).header("tus-resumable", "1.0.0");
    send(request.header("upload-offset", offset).header("content-type", BYTES).body(bytes.to_vec())).await
}

/// Where an upload stands; none when it isn't there.
async fn offset(client: &Client, path: &str) -> Option<usize> {
    let answer = send(client.request(Method::HEAD, path).header("tus-resumable", "1.0.0")).await;
    match answer.status.as_u16() {
        200 => answer.header("upload-offset").parse().ok(),
        404 => None,
        other => panic!("{other}"),
    }
}

/// What is known of an upload's file.
async fn file_of(client: &Client, path: &str) -> Value {
    client.get(&path.replace("/api/uploads/", "/api/files/")).await.expect(200)
}

/// Uploads a file in one piece.
pub(crate) async fn upload(client: &Client, name: &str, bytes: &[u8]) -> Value {
    let path = begin(client, name, bytes.len()).await;
    if !bytes.is_empty() {
        add(client, &path, 0, bytes).await.expect(204);
    }
    file_of(client, &path).await
}

/// Adds to an upload by a connection that breaks off after so many bytes.
async fn add_and_break_off(client: &Client, path: &str, offset: usize, bytes: &[u8], after: usize) {
    let authority = client.url.trim_start_matches("http://");
    let mut wire = TcpStream::connect(authority).await.unwrap();
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\n\
         Upload-Offset: {offset}\r\nContent-Type: {BYTES}\r\nContent-Length: {}\r\n\r\n",
        client.token.as_deref().unwrap(),
        bytes.len()
    );
    wire.write_all(head.as_bytes()).await.unwrap();
    wire.write_all(&bytes[..after]).await.unwrap();
    wire.flush().await.unwrap();
    wire.shutdown().await.unwrap();
}

/// Sends what is left of an upload, from wherever it stands: what a broken connection brought may still be on its way.
async fn go_on(client: &Client, path: &str, bytes: &[u8]) {
    until("the rest is taken", async || {
        let Some(stands) = offset(client, path).await else { return false };
        stands == bytes.len() || add(client, path, stands, &bytes[stands..]).await.status.as_u16() == 204
    })
    .await;
}

/// The same person, as a program that is logged in elsewhere.
async fn at(url: &str, person: &Person) -> Client {
    let mut client = Client::program(url);
    let body = json!({ "name": person.name, "password": PASSWORD });
    let pass = client.post("/api/auth/login", body).await.expect(200);
    client.token = pass["access_token"].as_str().map(str::to_owned);
    client
}

/// A form of files, as browsers and `curl -F` send it.
async fn post_form(client: &Client, files: &[(&str, &[u8])]) -> Answer {
    let mut body = vec![];
    for (name, bytes) in files {
        body.extend_from_slice(
            format!("--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n")
                .as_bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    let request = client.request(Method::POST, "/api/files").body(body);
    send(request.header("content-type", "multipart/form-data; boundary=edge")).await
}

/// The bytes at an address, and the answer that brought them.
async fn download(client: &Client, url: &str) -> (reqwest::StatusCode, reqwest::header::HeaderMap, Vec<u8>) {
    let answer = client.request(Method::GET, url).send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.bytes().await.unwrap().to_vec())
}

async fn status(client: &Client, url: &str) -> u16 {
    client.get(url).await.status.as_u16()
}

/// A private room of these people, the first of whom makes it.
async fn room(people: &[&Person]) -> String {
    let others: Vec<&str> = people[1..].iter().map(|person| person.id.as_str()).collect();
    let body = json!({ "kind": "private", "name": "Attic", "people": others });
    people[0].api.post("/api/rooms", body).await.expect(201)["room"].as_str().unwrap().to_owned()
}

/// Posts files without words; returns the message's place.
async fn post(person: &Person, room: &str, files: &[&Value]) -> u64 {
    let files: Vec<_> = files.iter().map(|file| file["id"].clone()).collect();
    let body = json!({ "files": files });
    person.api.post(&format!("/api/rooms/{room}/messages"), body).await.expect(201)["seq"].as_u64().unwrap()
}

/// A picture of so many pixels, brighter to the right and redder to the bottom.
pub(crate) fn picture(width: u32, height: u32) -> DynamicImage {
    let at = |x, y| Rgb([(y * 255 / height) as u8, (x * 255 / width) as u8, ((x * 7 + y * 13) % 64) as u8]);
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, at))
}

pub(crate) fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(vec![]);
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// All that lies on a server's disk of what was uploaded.
fn on_disk(server: &TestServer) -> Vec<std::path::PathBuf> {
    files_under(&server.app.config.uploads)
}

fn files_under(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = vec![];
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_under(&path)) } else { found.push(path) }
    }
    found
}
