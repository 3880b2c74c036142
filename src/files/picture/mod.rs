//! Pictures: what they say besides what they show is taken out ([`strip()`]), then they are decoded, within bounds, for
//! their size, a placeholder and smaller copies ([`preview()`]). All of this blocks: it belongs on threads of its own.

mod exif;
mod gif;
mod preview;
mod strip;

pub(super) use preview::{Preview, preview, squares};
pub(super) use strip::{Form, strip};
