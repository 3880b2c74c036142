//! What a message's files are shown with.

use crate::model::{Attachment, FileKind};

/// Bars of a wave stand in a picture of this size; each is so wide.
const WAVE: (f64, f64) = (200.0, 28.0);
const BAR: f64 = 2.6;

/// What a picture may take up in the timeline.
const FIT: (f64, f64) = (496.0, 352.0);

/// A file of a message.
#[derive(Debug, Clone, Default)]
pub struct AttachmentView {
    /// The id.
    pub id: String,
    /// Path of its address.
    pub url: String,
    /// What it is called.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its media type.
    pub mime: String,
    /// `image`, `video`, `audio`, `voice`, `text`, `pdf`, `archive` or `other`.
    pub kind: &'static str,
    /// In pixels; 0 where it isn't known.
    pub width: u32,
    /// In pixels; 0 where it isn't known.
    pub height: u32,
    /// A thumbhash, in base64; may be empty.
    pub placeholder: String,
    /// Of a picture: what is shown first.
    pub first: String,
    /// Of a picture: all there is of it, with how wide each is; empty where there is only one.
    pub srcset: String,
    /// Of a voice message, in milliseconds.
    pub duration: u32,
    /// Of a voice message: how loud it is along its way.
    pub peaks: Vec<u8>,
}

/// A bar of a wave.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// From the left.
    pub x: String,
    /// From the top.
    pub y: String,
    /// From there down.
    pub height: String,
}

impl From<&Attachment> for AttachmentView {
    fn from(file: &Attachment) -> Self {
        let mut sources: Vec<(String, u32)> =
            file.thumbs.iter().map(|thumb| (file.thumb_url(thumb), thumb.pixels.width)).collect();
        let first = sources.first().map_or_else(|| file.url(), |(url, _)| url.clone());
        if let (false, Some(pixels)) = (sources.is_empty(), file.pixels) {
            sources.push((file.url(), pixels.width));
        }
        let srcset: Vec<String> = sources.iter().map(|(url, width)| format!("{url} {width}w")).collect();
        let voice = file.voice.clone();
        Self {
            id: file.id.to_string(),
            url: file.url(),
            name: file.name.to_string(),
            bytes: file.size,
            mime: file.mime.clone(),
            kind: file.kind.as_str(),
            width: file.pixels.map_or(0, |pixels| pixels.width),
            height: file.pixels.map_or(0, |pixels| pixels.height),
            placeholder: file.placeholder.clone().unwrap_or_default(),
            first: if file.kind == FileKind::Image { first } else { String::new() },
            srcset: srcset.join(", "),
            duration: voice.as_ref().map_or(0, |voice| voice.duration),
            peaks: voice.map(|voice| voice.peaks).unwrap_or_default(),
        }
    }
}

impl AttachmentView {
    /// Whether it is shown in the grid of pictures.
    pub fn is_image(&self) -> bool {
        self.kind == "image"
    }
    /// Width and height of the room that is reserved for a picture: as large as it is, as far as that fits.
    pub fn reserved(&self) -> (u32, u32) {
        let (width, height) = (f64::from(self.width.max(1)), f64::from(self.height.max(1)));
        let scale = (FIT.0 / width).min(FIT.1 / height).min(1.0);
        let scaled = |side: f64| (side * scale).round().max(1.0) as u32;
        (scaled(width), scaled(height))
    }
    /// Its size for people, until the script says it in their way.
    pub fn size(&self) -> String {
        let units = ["B", "kB", "MB", "GB", "TB"];
        let (mut size, mut unit) = (self.bytes as f64, 0);
        while size >= 999.5 && unit + 1 < units.len() {
            size /= 1_000.0;
            unit += 1;
        }
        let digits = usize::from(unit > 0 && size < 9.95);
        format!("{size:.digits$} {}", units[unit])
    }
    /// Minutes and seconds of a voice message.
    pub fn clock(&self) -> String {
        let seconds = (self.duration + 500) / 1_000;
        format!("{}:{:02}", seconds / 60, seconds % 60)
    }
    /// The peaks in one attribute.
    pub fn peaks_list(&self) -> String {
        self.peaks.iter().map(u8::to_string).collect::<Vec<_>>().join(" ")
    }
    /// The bars of a voice message's wave.
    pub fn bars(&self) -> Vec<Bar> {
        let step = WAVE.0 / self.peaks.len().max(1) as f64;
        let bar = |(n, peak): (usize, &u8)| {
            let height = BAR.max(WAVE.1 * f64::from(*peak) / 100.0);
            Bar {
                x: format!("{:.1}", n as f64 * step),
                y: format!("{:.1}", (WAVE.1 - height) / 2.0),
                height: format!("{height:.1}"),
            }
        };
        self.peaks.iter().enumerate().map(bar).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_told_in_few_digits() {
        let size = |bytes| AttachmentView { bytes, ..AttachmentView::default() }.size();
        for (bytes, told) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (12_345, "12 kB"),
            (999_999, "1.0 MB"),
            (12_400_000, "12 MB"),
            (2 << 30, "2.1 GB"),
        ] {
            assert_eq!(size(bytes), told);
        }
    }

    #[test]
    fn a_picture_takes_up_no_more_than_fits() {
        let reserved =
            |width, height| AttachmentView { width, height, ..AttachmentView::default() }.reserved();
        assert_eq!(reserved(40, 30), (40, 30));
        assert_eq!(reserved(4_000, 3_000), (469, 352));
        assert_eq!(reserved(10_000, 10), (496, 1));
    }

    #[test]
    fn a_wave_has_a_bar_for_each_peak() {
        let voice = AttachmentView { duration: 47_600, peaks: vec![0, 100], ..AttachmentView::default() };
        assert_eq!(voice.clock(), "0:48");
        let [low, high] = <[Bar; 2]>::try_from(voice.bars()).unwrap_or_else(|_| unreachable!());
        assert_eq!((low.height.as_str(), low.y.as_str()), ("2.6", "12.7"));
        assert_eq!((high.x.as_str(), high.height.as_str(), high.y.as_str()), ("100.0", "28.0", "0.0"));
    }
}
