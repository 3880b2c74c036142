//! Files that tests send: pictures, sounds, and ways to hand them to a page or to the server.

use std::{fs, io::Cursor, path::PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use image::{ImageFormat, Rgb, RgbImage};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::By;

use crate::{
    chromium::Browser,
    people::{Answer, Person},
};

/// A picture of one colour with a darker half.
pub(crate) fn picture(width: u32, height: u32, [r, g, b]: [u8; 3]) -> Vec<u8> {
    encoded(width, height, ImageFormat::Png, |x, _| {
        if x < width / 2 { Rgb([r, g, b]) } else { Rgb([r / 2, g / 2, b / 2]) }
    })
}

/// A photo: so rich in detail that it doesn't get small.
pub(crate) fn photo(width: u32, height: u32) -> Vec<u8> {
    encoded(width, height, ImageFormat::Jpeg, |x, y| {
        let grain = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503).wrapping_mul(x | 1);
        let [a, b, c, _] = grain.to_le_bytes();
        Rgb([a, b, c])
    })
}

fn encoded(width: u32, height: u32, format: ImageFormat, pixel: impl Fn(u32, u32) -> Rgb<u8>) -> Vec<u8> {
    let mut bytes = Cursor::new(vec![]);
    RgbImage::from_fn(width, height, pixel).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Bytes that no compression makes less of.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// A hum, as a WAV.
pub(crate) fn hum(seconds: u32) -> Vec<u8> {
    const RATE: u32 = 8000;
    let length = RATE * seconds;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + length).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend([1, 0, 1, 0]);
    bytes.extend(RATE.to_le_bytes());
    bytes.extend(RATE.to_le_bytes());
    bytes.extend([1, 0, 8, 0]);
    bytes.extend(b"data");
    bytes.extend(length.to_le_bytes());
    bytes.extend((0..length).map(|at| if at % 40 < 20 { 96 } else { 160 }));
    bytes
}

/// Puts a file up as a program does, and returns its fields.
pub(crate) async fn put_up(person: &Person, name: &str, bytes: Vec<u8>) -> Value {
    let name = BASE64_STANDARD.encode(name);
    let request = person
        .request(Method::POST, "/api/uploads")
        .header("Tus-Resumable", "1.0.0")
        .header("Upload-Length", bytes.len())
        .header("Upload-Metadata", format!("filename {name}"))
        .header("Content-Type", "application/offset+octet-stream")
        .body(bytes);
    let answer = Answer::to(request).await;
    let place = answer.header("location").to_owned();
    answer.ok();
    let id = place.rsplit('/').next().unwrap();
    person.get(&format!("/api/files/{id}")).await.ok()
}

/// Posts files with a message, and returns its place.
pub(crate) async fn share(person: &Person, room: &str, text: &str, files: Vec<(&str, Vec<u8>)>) -> u64 {
    let mut ids = vec![];
    for (name, bytes) in files {
        ids.push(put_up(person, name, bytes).await["id"].clone());
    }
    let message = json!({ "text": text, "files": ids });
    person.post(&format!("/api/rooms/{room}/messages"), message).await.ok()["seq"].as_u64().unwrap()
}

/// A folder of files to choose from.
pub(crate) struct Desk(TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// Lays a file there.
    pub(crate) fn lay(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Browser {
    /// Chooses files with the button for it.
    pub(crate) async fn choose(&self, input: &str, files: &[PathBuf]) {
        let paths: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        self.until_with(input, "document.querySelector(arguments[0])", &[json!(input)]).await;
        let input = self.driver.find(By::Css(input)).await.unwrap();
        input.send_keys(paths.join("\n")).await.unwrap();
    }

    /// Brings a file to an element by an event that bears it: `paste`, `dragenter`, `drop`.
    pub(crate) async fn bring(&self, event: &str, to: &str, name: &str, kind: &str, bytes: &[u8]) {
        let script = "
            const [event, to, name, type, base64] = arguments;
            const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], name, { type }));
            const init = { bubbles: true, cancelable: true };
            document.querySelector(to).dispatchEvent(event === 'paste'
                ? new ClipboardEvent(event, { ...init, clipboardData: data })
                : new DragEvent(event, { ...init, dataTransfer: data }));";
        let bytes = BASE64_STANDARD.encode(bytes);
        self.run::<Value>(script, &[json!(event), json!(to), json!(name), json!(kind), json!(bytes)]).await;
    }

    /// Waits until all that is in the tray is up.
    pub(crate) async fn all_up(&self, files: usize) {
        self.until_with(
            "all files are up",
            "(() => { const rows = [...document.querySelectorAll('#tray li')]; \
             return rows.length === arguments[0] && rows.every((row) => row.dataset.state === 'done') })()",
            &[json!(files)],
        )
        .await;
    }
}
