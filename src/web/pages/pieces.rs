//! Pages put together from pieces: one reader's own markup, and between it what many are shown, which is rendered only once,
//! and compressed only once.

use std::sync::{LazyLock, OnceLock};

use askama::Template;

use super::packed::{Packed, Packer, Stream};
use crate::{
    error::{Error, Result},
    web::views::ToolsFragment,
};

/// The icons, which are everybody's.
pub(super) static ICONS: LazyLock<Shared> =
    LazyLock::new(|| Shared::new(include_str!("../../../templates/icons.html").trim_end().to_owned()));

/// What there is below where one writes.
pub(super) static TOOLS: LazyLock<Shared> =
    LazyLock::new(|| Shared::new(ToolsFragment.render().unwrap_or_default()));

/// Markup that many are shown.
#[derive(Debug)]
pub(super) struct Shared {
    markup: String,
    packed: OnceLock<Packed>,
}

impl Shared {
    pub(super) fn new(markup: String) -> Self {
        Self { markup, packed: OnceLock::new() }
    }

    /// How many bytes of markup.
    pub(super) fn length(&self) -> usize {
        self.markup.len()
    }

    fn packed(&self) -> &Packed {
        self.packed.get_or_init(|| Packer::thorough().pack(&self.markup))
    }
}

/// A part of a page.
enum Piece<'a> {
    Own(&'a str),
    Shared(&'a Shared),
}

/// A page in its pieces.
pub(super) struct Pieces<'a>(Vec<Piece<'a>>);

impl<'a> Pieces<'a> {
    /// Of a page's own markup and the shared pieces for its marks, in their order.
    pub(super) fn new(page: &'a str, shared: &[(&str, &'a Shared)]) -> Result<Self> {
        let mut pieces = Vec::with_capacity(shared.len() * 2 + 1);
        let mut rest = page;
        for (mark, piece) in shared {
            let (before, after) =
                rest.split_once(mark).ok_or_else(|| Error::internal(format!("a page without {mark}")))?;
            pieces.extend([Piece::Own(before), Piece::Shared(piece)]);
            rest = after;
        }
        pieces.push(Piece::Own(rest));
        Ok(Self(pieces))
    }

    /// The page.
    pub(super) fn text(&self) -> String {
        let markup = self.0.iter().map(|piece| match piece {
            Piece::Own(markup) => markup,
            Piece::Shared(shared) => shared.markup.as_str(),
        });
        markup.collect::<Vec<_>>().concat()
    }

    /// The page, compressed.
    pub(super) fn packed(&self) -> Vec<u8> {
        let mut packer = Packer::quick();
        let mut stream = Stream::new();
        for piece in &self.0 {
            match piece {
                Piece::Own(markup) => stream.push(&packer.pack(markup)),
                Piece::Shared(shared) => stream.push(shared.packed()),
            }
        }
        stream.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_pieces_come_where_their_marks_are() -> Result<()> {
        let (one, other) = (Shared::new("1".to_owned()), Shared::new("2".to_owned()));
        let text =
            |own: &str| Pieces::new(own, &[("<!--a-->", &one), ("<!--b-->", &other)]).map(|it| it.text());
        assert_eq!(text("x<!--a-->y<!--b-->z")?, "x1y2z");
        assert_eq!(text("<!--a--><!--b-->")?, "12");
        for incomplete in ["", "<!--a-->", "<!--b-->", "<!--b--><!--a-->"] {
            assert!(text(incomplete).is_err(), "{incomplete}");
        }
        Ok(())
    }
}
