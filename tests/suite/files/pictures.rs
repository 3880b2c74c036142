//! Pictures: what is made of them, what they lose, what can't be made of them; faces of people and rooms.

use std::time::{Duration, Instant};

use super::*;

/// A JPEG whose EXIF tells an orientation and a place, with a comment, XMP, and something behind its end.
fn talkative_jpeg(orientation: u8) -> Vec<u8> {
    let plain = encoded(&picture(1_600, 900), ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend_from_slice(&[orientation, 0, 0, 0]);
    exif.extend_from_slice(b"\x0e\x01\x02\0\x10\0\0\0\x26\0\0\0\0\0\0\0SECRETPLACE 52N\0");
    let segment = |marker: u8, body: &[u8]| {
        [&[0xff, marker][..], &((body.len() + 2) as u16).to_be_bytes(), body].concat()
    };
    [
        &plain[..2],
        &segment(0xe1, &exif),
        &segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0<x>SECRETPLACE</x>"),
        &segment(0xfe, b"SECRETPLACE in a comment"),
        &segment(0xed, b"Photoshop 3.0\0SECRETPLACE"),
        &plain[2..],
        b"SECRETPLACE behind the end",
    ]
    .concat()
}

fn tells(bytes: &[u8]) -> bool {
    bytes.windows(11).any(|window| window == b"SECRETPLACE")
}

#[tokio::test]
async fn a_photo_gets_a_size_a_placeholder_and_smaller_copies() {
    let server = TestServer::start().await;
    let [alice, bob] = server.people(["alice", "bob"]).await;
    for (format, name) in
        [(ImageFormat::Jpeg, "a.jpg"), (ImageFormat::Png, "a.png"), (ImageFormat::WebP, "a.webp")]
    {
        let file = upload(&alice.api, name, &encoded(&picture(1_600, 900), format)).await;
        assert_eq!((field(&file, "kind"), field(&file, "fileType")), ("image", format.to_mime_type()));
        assert_eq!((file["width"].as_u64(), file["height"].as_u64()), (Some(1_600), Some(900)));
        let placeholder = BASE64_STANDARD.decode(field(&file, "placeholder")).unwrap();
        assert!((5..30).contains(&placeholder.len()));
        let thumbs = file["thumbs"].as_array().unwrap();
        let sizes: Vec<_> =
            thumbs.iter().map(|thumb| (thumb["width"].as_u64(), thumb["height"].as_u64())).collect();
        assert_eq!(sizes, [(Some(480), Some(270)), (Some(1_200), Some(675))]);
        for thumb in thumbs {
            let (status, headers, bytes) = download(&alice.api, field(thumb, "url")).await;
            assert_eq!((status.as_u16(), &headers["content-type"]), (200, &"image/webp".parse().unwrap()));
            let shown = image::load_from_memory(&bytes).unwrap();
            assert_eq!(u64::from(shown.width()), thumb["width"].as_u64().unwrap());
            assert_eq!(status_of(&bob, field(thumb, "url")).await, 404);
        }
    }
    let small = upload(&alice.api, "small.png", &encoded(&picture(480, 20), ImageFormat::Png)).await;
    assert_eq!((small["width"].as_u64(), &small["thumbs"]), (Some(480), &Value::Null));
}

async fn status_of(person: &Person, url: &str) -> u16 {
    status(&person.api, url).await
}

#[tokio::test]
async fn what_isnt_shown_as_a_picture_doesnt_say_where_it_was_taken_either() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    // Big-endian: one directory, whose entries are a width, XMP, and the directory that says where.
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value.to_be_bytes()].concat()
    };
    let directory = |entries: &[Vec<u8>]| {
        [&(entries.len() as u16).to_be_bytes()[..], &entries.concat(), &[0; 4]].concat()
    };
    let first = directory(&[entry(0x100, 4, 1, 640), entry(0x2bc, 7, 11, 68), entry(0x8825, 4, 1, 50)]);
    let place = directory(&[entry(0x1b, 7, 11, 79)]);
    let head = b"MM\0\x2a\0\0\0\x08";
    let tiff = [&head[..], &first, &place, b"SECRETPLACE", b"SECRETPLACE", b"the picture"].concat();
    assert!(tells(&tiff) && first.len() == 42 && place.len() == 18);
    let file = upload(&alice.api, "raw.tif", &tiff).await;
    assert_eq!(field(&file, "kind"), "other");
    let (status, _, bytes) = download(&alice.api, field(&file, "fileUrl")).await;
    assert_eq!(status.as_u16(), 200);
    assert!(!tells(&bytes) && bytes.ends_with(b"the picture"));
}

#[tokio::test]
async fn a_photo_is_turned_upright_and_tells_nothing_else() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    for orientation in 1..=8 {
        let bytes = talkative_jpeg(orientation);
        assert!(tells(&bytes) && image::load_from_memory(&bytes).is_ok());
        let file = upload(&alice.api, "photo.jpg", &bytes).await;
        let upright = orientation < 5;
        let size = if upright { (1_600, 900) } else { (900, 1_600) };
        assert_eq!(
            (file["width"].as_u64(), file["height"].as_u64()),
            (Some(size.0), Some(size.1)),
            "{orientation}"
        );
        let (_, _, served) = download(&alice.api, field(&file, "fileUrl")).await;
        assert!(!tells(&served) && served.len() < bytes.len());
        assert_eq!(file["fileSize"].as_u64(), Some(served.len() as u64));
        // Pixel by pixel the same, and to be turned as before.
        assert_eq!(image::load_from_memory(&served).unwrap(), image::load_from_memory(&bytes).unwrap());
        let turned = exif::Reader::new().read_from_container(&mut Cursor::new(&served));
        match turned {
            Err(_) => assert_eq!(orientation, 1),
            Ok(exif) => {
                let fields: Vec<_> =
                    exif.fields().map(|field| (field.tag, field.value.get_uint(0))).collect();
                assert_eq!(fields, [(exif::Tag::Orientation, Some(orientation.into()))]);
            }
        }
        // The corner that is dark stays where it is seen.
        let (_, _, thumb) = download(&alice.api, field(&file["thumbs"][0], "url")).await;
        let shown = image::load_from_memory(&thumb).unwrap().into_rgb8();
        let mut expected = picture(1_600, 900);
        expected.apply_orientation(image::metadata::Orientation::from_exif(orientation).unwrap());
        let expected = expected.thumbnail_exact(shown.width(), shown.height()).into_rgb8();
        for (x, y) in [(5, 5), (shown.width() - 6, 5), (5, shown.height() - 6)] {
            let (is, should) = (shown.get_pixel(x, y), expected.get_pixel(x, y));
            let apart = (0..2).map(|c| is[c].abs_diff(should[c])).max().unwrap();
            assert!(apart < 40, "{orientation} at {x} {y}: {is:?} {should:?}");
        }
    }
}

#[tokio::test]
async fn a_png_loses_its_texts() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let plain = encoded(&picture(64, 64), ImageFormat::Png);
    let text = b"SECRETPLACE\0here";
    let mut chunk = (text.len() as u32).to_be_bytes().to_vec();
    chunk.extend_from_slice(b"tEXt");
    chunk.extend_from_slice(text);
    chunk.extend_from_slice(&[0; 4]);
    // Behind the header, which is 33 bytes with the signature.
    let told = [&plain[..33], &chunk, &plain[33..]].concat();
    let file = upload(&alice.api, "a.png", &told).await;
    assert_eq!(download(&alice.api, field(&file, "fileUrl")).await.2, plain);
}

/// A PNG that says it has so many pixels, and holds next to nothing.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut png = encoded(&picture(2, 2), ImageFormat::Png);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[tokio::test]
async fn bombs_and_broken_pictures_are_files_like_any_other() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let whole = encoded(&picture(1_600, 900), ImageFormat::Png);
    // A real one: all black, 60 megapixels in some kilobytes.
    let black = encoded(&DynamicImage::new_luma8(10_000, 6_000), ImageFormat::Png);
    let begun = Instant::now();
    for (name, bytes) in [
        ("wide.png", bomb(u32::MAX >> 1, 1)),
        ("large.png", bomb(60_000, 60_000)),
        ("hollow.png", bomb(5_000, 5_000)),
        ("nothing.png", bomb(0, 0)),
        ("black.png", black),
        ("cut.png", whole[..whole.len() / 2].to_vec()),
        ("head.jpg", vec![0xff, 0xd8, 0xff]),
        ("head.gif", b"GIF89a\xff\xff\xff\xff\x80\0\0".to_vec()),
        ("head.webp", b"RIFF\xff\xff\xff\x7fWEBPVP8 ".to_vec()),
        ("noise.jpg", [&[0xff, 0xd8, 0xff, 0xe0][..], &noise(9, 5_000)].concat()),
    ] {
        let file = upload(&alice.api, name, &bytes).await;
        assert_eq!((field(&file, "kind"), &file["thumbs"]), ("other", &Value::Null), "{name}");
        let (status, headers, _) = download(&alice.api, field(&file, "fileUrl")).await;
        assert_eq!(
            (status.as_u16(), &headers["content-type"]),
            (200, &"application/octet-stream".parse().unwrap())
        );
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_voice_message_bears_what_its_recorder_said() {
    let server = TestServer::start().await;
    let [alice] = server.people(["alice"]).await;
    let webm = [&b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm"[..], &noise(4, 900)].concat();
    let said = [
        ("filename", "voice.webm"),
        ("filetype", "audio/webm"),
        ("voice", r#"{"duration":4800,"peaks":[3,40,100]}"#),
    ];
    let answer = begin_with(&alice.api, &said, webm.len()).await;
    add(&alice.api, answer.header("location"), 0, &webm).await.expect(204);
    let file = file_of(&alice.api, answer.header("location")).await;
    assert_eq!((field(&file, "kind"), field(&file, "fileType")), ("voice", "audio/webm"));
    assert_eq!((file["duration"].as_u64(), &file["peaks"]), (Some(4_800), &json!([3, 40, 100])));
}

async fn put_picture(client: &Client, path: &str, bytes: Vec<u8>) -> Answer {
    send(client.request(Method::PUT, path).header("content-type", "image/png").body(bytes)).await
}

#[tokio::test]
async fn people_and_rooms_have_pictures_in_three_sizes() {
    let server = TestServer::start().await;
    let [alice, bob] = server.people(["alice", "bob"]).await;
    let room = room(&[&alice, &bob]).await;
    let wide = encoded(&picture(900, 300), ImageFormat::Jpeg);
    for (path, seen) in [
        ("/api/me/picture".to_owned(), format!("/api/people/{}", alice.id)),
        (format!("/api/rooms/{room}/picture"), format!("/api/rooms/{room}")),
    ] {
        assert_eq!(bob.api.get(&seen).await.expect(200)["picture"], Value::Null);
        let first = put_picture(&alice.api, &path, wide.clone()).await.expect(200)["picture"].clone();
        for (size, side) in [("small", 64), ("medium", 128), ("large", 512)] {
            let (status, headers, bytes) = download(&bob.api, field(&first, size)).await;
            assert_eq!((status.as_u16(), &headers["content-type"]), (200, &"image/webp".parse().unwrap()));
            assert!(headers["cache-control"].to_str().unwrap().contains("immutable"));
            let shown = image::load_from_memory(&bytes).unwrap();
            assert_eq!((shown.width(), shown.height()), (side, side));
        }
        server.program().get(field(&first, "small")).await.refused(401, "unauthenticated");
        until("others see it", async || bob.api.get(&seen).await.expect(200)["picture"] == first).await;
        let page = bob.page.get(&format!("/rooms/{room}")).await.text;
        assert!(page.contains(&field(&first, "small").replace(".webp", "")), "{path}");

        let second = put_picture(&alice.api, &path, encoded(&picture(20, 50), ImageFormat::Png)).await;
        let second = second.expect(200)["picture"].clone();
        assert_ne!(second, first);
        assert_eq!(status(&bob.api, field(&first, "small")).await, 404, "the one before is gone");
        alice.api.delete(&path).await.expect(200);
        assert_eq!(status(&bob.api, field(&second, "large")).await, 404);
        assert_eq!(alice.api.get(&seen).await.expect(200)["picture"], Value::Null);
    }
    put_picture(&alice.api, "/api/me/picture", b"no picture".to_vec()).await.refused(422, "not_a_picture");
    put_picture(&alice.api, "/api/me/picture", bomb(60_000, 60_000)).await.refused(422, "not_a_picture");
    put_picture(&alice.api, "/api/me/picture", vec![0; 9 << 20]).await.refused(413, "too_large");
    put_picture(&bob.api, &format!("/api/rooms/{room}/picture"), wide).await.refused(403, "forbidden");
    assert_eq!(on_disk(&server).len(), 0, "nothing is left of what is shown no more");
}
