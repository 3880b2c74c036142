use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use proptest::prelude::*;

use super::*;

const FORMS: [(Form, ImageFormat); 4] = [
    (Form::Jpeg, ImageFormat::Jpeg),
    (Form::Png, ImageFormat::Png),
    (Form::Gif, ImageFormat::Gif),
    (Form::Webp, ImageFormat::WebP),
];

fn picture(format: ImageFormat) -> Vec<u8> {
    let image = RgbImage::from_fn(40, 30, |x, y| Rgb([x as u8 * 6, y as u8 * 8, 99]));
    let mut bytes = Cursor::new(vec![]);
    DynamicImage::ImageRgb8(image).write_to(&mut bytes, format).unwrap_or_default();
    bytes.into_inner()
}

fn stripped(form: Form, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut to = Cursor::new(vec![]);
    strip(form, &mut Cursor::new(bytes), &mut to)?;
    Ok(to.into_inner())
}

#[test]
fn a_picture_that_says_nothing_else_stays_as_it_is() {
    for (form, format) in FORMS {
        let bytes = picture(format);
        assert_eq!(stripped(form, &bytes).ok().as_ref(), Some(&bytes), "{form:?}");
        let more = [bytes.as_slice(), b"<script>"].concat();
        assert_eq!(stripped(form, &more).ok(), Some(bytes), "{form:?} with something behind its end");
    }
}

#[test]
fn a_gif_keeps_how_often_it_plays_and_loses_its_comments() -> io::Result<()> {
    let bytes = picture(ImageFormat::Gif);
    let first = bytes.windows(2).position(|window| window == [0x21, 0xf9]);
    let first = first.or_else(|| bytes.iter().position(|byte| *byte == 0x2c)).unwrap_or_default();
    let plays = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0";
    let told = b"\x21\xfe\x06SECRET\0\x21\xff\x0bXMP DataXMP\x06SECRET\0";
    let full = [&bytes[..first], plays, told, &bytes[first..]].concat();
    let expected = [&bytes[..first], plays, &bytes[first..]].concat();
    assert_eq!(stripped(Form::Gif, &full)?, expected);
    Ok(())
}

#[test]
fn a_webp_keeps_which_way_up_it_is() -> io::Result<()> {
    let plain = picture(ImageFormat::WebP);
    let chunk = |name: &[u8], body: &[u8]| {
        let mut chunk = [name, &(body.len() as u32).to_le_bytes(), body].concat();
        chunk.resize(chunk.len().next_multiple_of(2), 0);
        chunk
    };
    let riff = |chunks: &[Vec<u8>]| {
        let body = chunks.concat();
        [b"RIFF", &(body.len() as u32 + 4).to_le_bytes()[..], b"WEBP", &body].concat()
    };
    let header = |flags: u8| chunk(b"VP8X", &[flags, 0, 0, 0, 39, 0, 0, 29, 0, 0]);
    let pixels = plain[12..].to_vec();
    let talkative = [&exif::tiff(6)[..], b"SECRET"].concat();
    let full = riff(&[header(0x0c), pixels.clone(), chunk(b"EXIF", &talkative), chunk(b"XMP ", b"SECRET")]);
    assert_eq!(
        stripped(Form::Webp, &full)?,
        riff(&[header(0x08), pixels.clone(), chunk(b"EXIF", &exif::tiff(6))])
    );
    let upright = riff(&[header(0x0c), pixels.clone(), chunk(b"EXIF", &exif::tiff(1))]);
    assert_eq!(stripped(Form::Webp, &upright)?, riff(&[header(0), pixels]));
    Ok(())
}

proptest! {
    #[test]
    fn no_bytes_break_it(bytes in any::<Vec<u8>>(), cut in 0..3_000_usize, at in 0..3_000_usize, other in any::<u8>()) {
        for (form, format) in FORMS {
            let _ = stripped(form, &bytes);
            let mut picture = picture(format);
            let length = picture.len();
            picture[at % length] = other;
            if let Ok(once) = stripped(form, &picture) {
                // One that breaks off gets its end.
                prop_assert!(once.len() <= length + 2);
                prop_assert_eq!(stripped(form, &once).ok(), Some(once));
            }
            let _ = stripped(form, &picture[..cut.min(length)]);
            let _ = stripped(form, &[&picture[..cut.min(length)], &bytes].concat());
        }
    }
}
