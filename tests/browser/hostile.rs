//! Whatever is uploaded, nothing of it runs in our origin, and its name does no harm.

use serde_json::{Value, json};

use crate::{
    chromium::browser,
    house::House,
    samples::{picture, put_up, share},
};

/// What runs leaves its mark.
const MARK: &str = "try{localStorage.setItem('ran','yes')}catch{};try{parent.postMessage('ran','*')}catch{}";

/// Files that would run if a browser took them for a page of ours, by what they are called.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let script = format!("<script>{MARK}</script>");
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' onload=\"{MARK}\"><script>{MARK}</script><foreignObject><body xmlns='http://www.w3.org/1999/xhtml'><img src='x' onerror=\"{MARK}\"/></body></foreignObject></svg>"
    );
    let page = format!("<!doctype html><html><body>{script}</body></html>");
    let mut gif = b"GIF89a\x3d\x01/*".to_vec();
    gif.extend(format!("*/=1;{MARK}//{script}").as_bytes());
    let mut png = picture(8, 8, [9, 9, 9]);
    png.extend(page.as_bytes());
    let mut pdf =
        format!("%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS({MARK})>>>>endobj\n")
            .into_bytes();
    pdf.extend(page.as_bytes());
    let mut jpeg = b"\xff\xd8\xff\xe0".to_vec();
    jpeg.extend(page.as_bytes());
    let mut files: Vec<(String, Vec<u8>)> = vec![];
    for name in ["a.svg", "a.svg.png", "a", "a.xml", "a.xhtml"] {
        files.push((name.to_owned(), svg.clone().into_bytes()));
    }
    for name in ["b.html", "b.htm", "b.png", "b.txt", "b.js", "b.mhtml", "b.shtml", "b.php", "b"] {
        files.push((name.to_owned(), page.clone().into_bytes()));
    }
    for (name, bytes) in [
        ("c.gif", gif.clone()),
        ("c.js", gif),
        ("d.png", png.clone()),
        ("d.html", png),
        ("e.pdf", pdf.clone()),
        ("e.html", pdf),
        ("f.jpg", jpeg),
        ("g.js", MARK.as_bytes().to_vec()),
        ("g.wasm", b"\0asm\x01\0\0\0".to_vec()),
        ("g.swf", b"FWS\x09".to_vec()),
        ("h.html", format!("\u{feff}{page}").into_bytes()),
        (
            "h.xsl",
            format!("<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>{script}</html>")
                .into_bytes(),
        ),
        ("i.vtt", format!("WEBVTT\n\n00:00.000 --> 00:10.000\n{script}").into_bytes()),
    ] {
        files.push((name.to_owned(), bytes));
    }
    files
}

#[tokio::test]
async fn nothing_uploaded_runs_in_our_origin() {
    let house = House::open().await;
    let [alice, mallory] = house.people(["alice", "mallory"]).await;
    let general = alice.general().await;
    let mut urls = vec![];
    for chunk in corpus().chunks(10) {
        let mut ids = vec![];
        for (name, bytes) in chunk {
            let file = put_up(&mallory, name, bytes.clone()).await;
            ids.push(file["id"].clone());
            urls.push(file["fileUrl"].as_str().unwrap().to_owned());
        }
        let path = format!("/api/rooms/{general}/messages");
        mallory.post(&path, json!({ "text": "Look", "files": ids })).await.ok();
    }
    let page = browser().await;
    house.seat(&page, "alice", &format!("/rooms/{general}")).await;
    page.connected().await;
    page.run::<Value>("localStorage.removeItem('ran'); addEventListener('message', ({ data }) => data === 'ran' && localStorage.setItem('ran', 'framed'))", &[]).await;
    page.until("previews", "document.querySelector('.reading')").await;
    // As a script, a frame, an object, a picture and a style sheet of our own page, where its policy would let it.
    let tried: Value = page
        .promised(
            "const tries = [];
             for (const url of args[0]) for (const [tag, name] of [['script', 'src'], ['iframe', 'src'], ['object', 'data'], ['embed', 'src'], ['img', 'src'], ['link', 'href']]) {
                 const one = document.createElement(tag);
                 if (tag === 'link') one.rel = 'stylesheet';
                 tries.push(new Promise((done) => { one.onload = one.onerror = done; setTimeout(done, 1500); }));
                 one[name] = url;
                 document.body.append(one);
             }
             await Promise.all(tries);
             return localStorage.getItem('ran');",
            &[json!(urls)],
        )
        .await;
    assert_eq!(tried, Value::Null, "from within the page");
    // As a page of its own.
    for url in &urls {
        let _ = page.driver.goto(format!("{}{url}", house.url)).await;
        page.go(&format!("{}/rooms/{general}", house.url)).await;
        let ran: Value = page.value("localStorage.getItem('ran')").await;
        assert_eq!(ran, Value::Null, "{url}");
    }
}

#[tokio::test]
async fn hostile_names_are_shown_and_saved_harmlessly() {
    let house = House::open().await;
    let [alice, mallory] = house.people(["alice", "mallory"]).await;
    let general = alice.general().await;
    let names = [
        "../../../etc/passwd",
        "..\\..\\windows\\win.ini",
        "photo\u{202e}gnp.exe",
        "a\u{0}b\nc\r\td.txt",
        "<img src=x onerror=alert(1)>.png",
        "\" onload=\"alert(1)",
        "CON",
        "nul.txt",
        ".htaccess",
        "%2e%2e%2fpasswd",
    ];
    let emoji = "🌊".repeat(70);
    let mut files: Vec<(&str, Vec<u8>)> = names.iter().map(|name| (*name, b"harmless".to_vec())).collect();
    files.truncate(9);
    files.push((&emoji, b"harmless".to_vec()));
    share(&mallory, &general, "Names", files).await;
    let page = browser().await;
    house.seat(&page, "alice", &format!("/rooms/{general}")).await;
    page.sees("Names").await;
    page.until(
        "sizes",
        "[...document.querySelectorAll('.card small')].every((one) => one.textContent.includes('byte'))",
    )
    .await;
    let shown: Vec<String> = page
        .value("[...document.querySelectorAll('.card a:not(.tool)')].map((one) => one.textContent)")
        .await;
    assert_eq!(shown.len(), 10);
    for name in &shown {
        assert!(!name.contains(['/', '\\', '\u{202e}', '\0', '\n', '\r']), "{name:?}");
        assert!(!name.is_empty());
    }
    let wide: bool = page.value("document.documentElement.scrollWidth <= innerWidth && document.querySelector('#timeline').scrollWidth <= document.querySelector('#timeline').clientWidth").await;
    assert!(wide, "no name is wider than the room");
    let markup: u64 = page.value("document.querySelectorAll('#timeline .files img[src=x], #timeline [onload], #timeline [onerror]').length").await;
    assert_eq!(markup, 0);
    // In the tray too, before the server has seen it.
    page.bring("drop", "#timeline", "gpj\u{202e}exe.png", "", b"x").await;
    page.all_up(1).await;
    let name: String = page.value("document.querySelector('#tray b').textContent").await;
    assert_eq!(name, "gpjexe.png");
}
