//! Nothing that is uploaded runs in our origin, whatever it poses as.

use super::*;

/// Things that would like to be a page, a script or a style.
fn corpus() -> Vec<(&'static str, Vec<u8>)> {
    const SCRIPT: &str = "<script>document.title='ran'</script>";
    let html = format!("<!doctype html><html><body>{SCRIPT}</body></html>");
    let svg =
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"document.title='ran'\">{SCRIPT}</svg>");
    let gif = encoded(&picture(8, 8), ImageFormat::Gif);
    let png = encoded(&picture(8, 8), ImageFormat::Png);
    let jpeg = encoded(&picture(8, 8), ImageFormat::Jpeg);
    let behind = |bytes: &[u8], more: &str| [bytes, more.as_bytes()].concat();
    vec![
        ("page.html", html.clone().into_bytes()),
        (
            "page.xhtml",
            format!("<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\">{SCRIPT}</html>")
                .into_bytes(),
        ),
        ("picture.svg", svg.clone().into_bytes()),
        ("picture.png", svg.into_bytes()),
        ("photo.jpg", html.clone().into_bytes()),
        ("script.js", b"document.title='ran'".to_vec()),
        ("module.mjs", b"export default document.title='ran'".to_vec()),
        ("style.css", b"body{background:url(//evil.test)}".to_vec()),
        ("sheet.xsl", b"<?xml-stylesheet type='text/xsl' href='#'?>".to_vec()),
        ("app.wasm", b"\0asm\x01\0\0\0".to_vec()),
        ("flash.swf", b"CWS\x08rest".to_vec()),
        ("paper.pdf", b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj".to_vec()),
        ("utf7.txt", b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-".to_vec()),
        ("utf16.txt", html.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("gif-and-script.gif", behind(b"GIF89a/*", "*/=1;document.title='ran'")),
        ("gif-and-page.gif", behind(&gif, &html)),
        ("png-and-page.html", behind(&png, &html)),
        ("jpeg-and-page.jpg", behind(&jpeg, &html)),
        ("page-and-jpeg.jpg", behind(html.as_bytes(), "\u{0}").into_iter().chain(jpeg.clone()).collect()),
        ("zip-and-gif.gif", behind(&gif, "PK\x05\x06")),
        ("mhtml.mht", b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<script>1</script>".to_vec()),
    ]
}

#[tokio::test]
async fn nothing_comes_as_what_could_run() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    for (name, bytes) in corpus() {
        let file = upload(&alice.page, name, &bytes).await;
        let (status, headers, _) = download(&alice.page, field(&file, "fileUrl")).await;
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!(status.as_u16(), 200);
        let mime = header("content-type");
        let shown = ["image/gif", "image/png", "image/jpeg"].contains(&mime.as_str());
        let saved = ["text/plain; charset=utf-8", "application/octet-stream", "application/pdf"]
            .contains(&mime.as_str());
        assert!(shown || saved, "{name}: {mime}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("content-security-policy").contains("sandbox"), "{name}");
        assert!(header("content-security-policy").contains("default-src 'none'"), "{name}");
        let how = header("content-disposition");
        assert!(how.starts_with(if shown { "inline;" } else { "attachment;" }), "{name}: {how}");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
    }
}

#[tokio::test]
async fn what_comes_behind_a_picture_is_cut_off() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    for (name, bytes) in corpus().into_iter().filter(|(name, _)| name.contains("-and-page")) {
        let file = upload(&alice.api, name, &bytes).await;
        assert_eq!(field(&file, "kind"), "image", "{name}");
        let (_, _, served) = download(&alice.api, field(&file, "fileUrl")).await;
        assert!(!served.windows(7).any(|window| window == b"<script"), "{name}");
        assert!(image::load_from_memory(&served).is_ok(), "{name}");
    }
}
