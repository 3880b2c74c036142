//! Decoding a picture, within bounds, and what is made of it.

use std::{
    fs::File,
    io::{BufRead, BufReader, Cursor, Seek},
    path::Path,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use fast_image_resize::{FilterType, ResizeAlg, ResizeError, ResizeOptions, Resizer};
use image::{
    AnimationDecoder, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits,
    codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder},
    metadata::Orientation,
};

use super::Form;
use crate::model::{
    PictureId,
    file::{Pixels, Thumb},
};

/// The most pixels of a picture that is decoded: more than phones make, as a rule.
const MAX_PIXELS: u64 = 50_000_000;
/// The longest side: browsers and WebP go no further.
const MAX_SIDE: u32 = 16_383;
/// The most bytes that a decoder may take.
const MAX_BYTES: u64 = 256 << 20;
/// The longer sides of the smaller copies, the smallest first.
const SIDES: [u32; 2] = [480, 1_200];
/// The longest side that a placeholder is made of.
const PLACEHOLDER: u32 = 100;
/// How good the smaller copies are, of 100, and how long is looked for a short form of them, 0 to 6.
const QUALITY: f32 = 80.0;
const EFFORT: i32 = 3;

/// Why there is nothing to be seen.
#[derive(Debug, thiserror::Error)]
pub(in crate::files) enum Unseen {
    /// It isn't what it begins as, or is broken.
    #[error("it can't be decoded: {0}")]
    Broken(#[from] ImageError),
    /// It has too many pixels.
    #[error("it is {0} by {1} pixels large")]
    TooLarge(u32, u32),
    /// It can't be made smaller.
    #[error("it can't be made smaller: {0}")]
    Unsized(#[from] ResizeError),
    /// It can't be written.
    #[error("it can't be written as WebP: {0}")]
    Unwritten(String),
    /// It can't be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// What is made of a picture.
#[derive(Debug)]
pub(in crate::files) struct Preview {
    /// Its size as it is shown.
    pub(in crate::files) pixels: Pixels,
    /// A thumbhash, in base64.
    pub(in crate::files) placeholder: String,
    /// Smaller copies, where it is larger; none of one that moves.
    pub(in crate::files) small: Vec<Small>,
}

/// A smaller copy.
#[derive(Debug)]
pub(in crate::files) struct Small {
    pub(in crate::files) thumb: Thumb,
    pub(in crate::files) webp: Vec<u8>,
}

/// Decodes the picture in a file, and makes of it what is shown first.
pub(in crate::files) fn preview(form: Form, path: &Path) -> Result<Preview, Unseen> {
    let open = || File::open(path).map(BufReader::new);
    let Decoded { image, orientation } = decode(form, open()?)?;
    let (width, height) = turned(orientation, image.width(), image.height());
    let moves = moves(form, open()?);
    let mut resizer = Resizer::new();
    let mut small: Vec<Small> = vec![];
    let mut smallest: Option<DynamicImage> = None;
    for side in SIDES.into_iter().rev().filter(|side| !moves && width.max(height) > *side) {
        let resized = fit(&mut resizer, smallest.as_ref().unwrap_or(&image), side)?;
        let mut shown = resized.clone();
        shown.apply_orientation(orientation);
        let pixels = Pixels { width: shown.width(), height: shown.height() };
        small.insert(0, Small { thumb: Thumb { side, pixels }, webp: webp(&shown)? });
        smallest = Some(resized);
    }
    let mut tiny = fit(&mut resizer, smallest.as_ref().unwrap_or(&image), PLACEHOLDER)?;
    tiny.apply_orientation(orientation);
    let tiny = tiny.into_rgba8();
    let hash = thumbhash::rgba_to_thumb_hash(tiny.width() as usize, tiny.height() as usize, tiny.as_raw());
    Ok(Preview { pixels: Pixels { width, height }, placeholder: BASE64_STANDARD.encode(hash), small })
}

/// Squares of a picture's middle, in the sizes that pictures of people and rooms have.
pub(in crate::files) fn squares(form: Form, bytes: &[u8]) -> Result<Vec<(u32, Vec<u8>)>, Unseen> {
    let Decoded { image, orientation } = decode(form, Cursor::new(bytes))?;
    let mut resizer = Resizer::new();
    let (mut squares, mut larger) = (vec![], image);
    for side in PictureId::SIDES.into_iter().rev() {
        let shorter = larger.width().min(larger.height());
        let middle = |whole: u32| f64::from(whole - shorter) / 2.0;
        let (left, top) = (middle(larger.width()), middle(larger.height()));
        let options = options().crop(left, top, shorter.into(), shorter.into());
        let mut square = DynamicImage::new(side, side, larger.color());
        resizer.resize(&larger, &mut square, &options)?;
        let mut shown = square.clone();
        shown.apply_orientation(orientation);
        squares.push((side, webp(&shown)?));
        larger = square;
    }
    Ok(squares)
}

struct Decoded {
    /// As it lies in the file, in 8 bits a channel.
    image: DynamicImage,
    /// How it is to be turned.
    orientation: Orientation,
}

fn decode(form: Form, from: impl BufRead + Seek) -> Result<Decoded, Unseen> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_BYTES);
    let mut reader = ImageReader::with_format(from, format(form));
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let fits = u64::from(width) * u64::from(height) <= MAX_PIXELS && width.max(height) <= MAX_SIDE;
    if !fits || width == 0 || height == 0 || decoder.total_bytes() > MAX_BYTES {
        return Err(Unseen::TooLarge(width, height));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder)?;
    let image = match image.color().has_alpha() {
        true => DynamicImage::ImageRgba8(image.into_rgba8()),
        false => DynamicImage::ImageRgb8(image.into_rgb8()),
    };
    Ok(Decoded { image, orientation })
}

fn format(form: Form) -> ImageFormat {
    match form {
        Form::Jpeg => ImageFormat::Jpeg,
        Form::Png => ImageFormat::Png,
        Form::Gif => ImageFormat::Gif,
        Form::Webp => ImageFormat::WebP,
    }
}

/// Whether a picture has more than one frame; its size was looked at before.
fn moves(form: Form, from: impl BufRead + Seek) -> bool {
    match form {
        Form::Jpeg => false,
        Form::Png => PngDecoder::new(from).and_then(|png| png.is_apng()).unwrap_or(false),
        Form::Webp => WebPDecoder::new(from).is_ok_and(|webp| webp.has_animation()),
        Form::Gif => GifDecoder::new(from).is_ok_and(|gif| gif.into_frames().take(2).flatten().count() > 1),
    }
}

fn turned(orientation: Orientation, width: u32, height: u32) -> (u32, u32) {
    match orientation {
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => (height, width),
        _ => (width, height),
    }
}

fn options() -> ResizeOptions {
    ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom))
}

/// The picture so that its longer side is at most `side`; one that is smaller stays.
fn fit(resizer: &mut Resizer, image: &DynamicImage, side: u32) -> Result<DynamicImage, ResizeError> {
    let (width, height) = (image.width(), image.height());
    let longer = width.max(height);
    if longer <= side {
        return Ok(image.clone());
    }
    let scaled = |length: u32| {
        let scaled = (u64::from(length) * u64::from(side) + u64::from(longer) / 2) / u64::from(longer);
        u32::try_from(scaled).unwrap_or(side).clamp(1, side)
    };
    let mut resized = DynamicImage::new(scaled(width), scaled(height), image.color());
    resizer.resize(image, &mut resized, &options())?;
    Ok(resized)
}

fn webp(image: &DynamicImage) -> Result<Vec<u8>, Unseen> {
    let unwritten = |why: String| Unseen::Unwritten(why);
    let (width, height) = (image.width(), image.height());
    let encoder = match image {
        DynamicImage::ImageRgba8(image) => webp::Encoder::from_rgba(image.as_raw(), width, height),
        DynamicImage::ImageRgb8(image) => webp::Encoder::from_rgb(image.as_raw(), width, height),
        _ => return Err(unwritten("not 8 bits a channel".to_owned())),
    };
    let mut config = webp::WebPConfig::new().map_err(|()| unwritten("no settings".to_owned()))?;
    config.quality = QUALITY;
    config.method = EFFORT;
    let written = encoder.encode_advanced(&config).map_err(|error| unwritten(format!("{error:?}")))?;
    Ok(written.to_vec())
}
