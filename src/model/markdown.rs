//! From a message's Markdown to markup that is safe to show.
//!
//! The text is parsed as CommonMark with strike-through and tables; line breaks stay; bare links become links; pictures become
//! links, since the page contacts nobody; HTML in the text is shown as text. What comes out goes through a
//! sanitizer with a short list of what may stay, so that nothing rests on the steps before.

use std::sync::LazyLock;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, TextMergeStream, html};

use super::{UserId, text::LoginName};

/// Markup that came out of the sanitizer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SanitizedHtml(String);

impl SanitizedHtml {
    /// The markup.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The markup itself.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// A person whom a text mentions, as they are to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mentioned {
    /// Who.
    pub user: UserId,
    /// The name that others see.
    pub display: String,
}

/// Names that a text mentions, as they would be logged in with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Each once, in the order they first come; at most [`MAX_MENTIONS`].
    pub people: Vec<String>,
    /// Whether the text says `@everyone`.
    pub everyone: bool,
}

/// The most people that one text can mention by name.
pub const MAX_MENTIONS: usize = 50;
const EVERYONE: &str = "everyone";

/// The names that `text` mentions, outside of code and links.
pub fn names(text: &str) -> Names {
    let mut names = Names::default();
    if !text.contains('@') {
        return names;
    }
    let mut plain = Plain::default();
    for event in events(text) {
        let Some(words) = plain.words(&event) else { continue };
        for piece in pieces(words) {
            match piece {
                Piece::Mention(_, name) if name == EVERYONE => names.everyone = true,
                Piece::Mention(_, name)
                    if names.people.len() < MAX_MENTIONS && !names.people.contains(&name) =>
                {
                    names.people.push(name);
                }
                _ => {}
            }
        }
    }
    names
}

/// The markup of `text`; `who` knows the people that it mentions.
pub fn render(text: &str, who: &dyn Fn(&str) -> Option<Mentioned>) -> SanitizedHtml {
    if is_mere_words(text) {
        return SanitizedHtml(format!("<p>{}</p>", text.trim_end_matches(' ')));
    }
    render_anything(text, who)
}

/// Whether `text` is one line of words in which nothing means anything to Markdown or HTML, so that its markup is itself. Most
/// of what people write is; reading and cleaning it took the better part of a post's time.
fn is_mere_words(text: &str) -> bool {
    let harmless = |c: char| c.is_alphanumeric() || " ,.;:!?()'%-".contains(c);
    text.starts_with(char::is_alphabetic) && text.chars().all(harmless)
}

fn render_anything(text: &str, who: &dyn Fn(&str) -> Option<Mentioned>) -> SanitizedHtml {
    let mut plain = Plain::default();
    let mut shown = vec![];
    for event in events(text) {
        if let Some(words) = plain.words(&event) {
            for piece in pieces(words) {
                piece.emit(who, &mut shown);
            }
            continue;
        }
        match event {
            Event::SoftBreak => shown.push(Event::HardBreak),
            Event::Html(source) | Event::InlineHtml(source) => shown.push(Event::Text(source)),
            Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
                shown.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
            }
            Event::End(TagEnd::Image) => shown.push(Event::End(TagEnd::Link)),
            other => shown.push(other),
        }
    }
    let mut markup = String::with_capacity(text.len() * 2);
    html::push_html(&mut markup, shown.into_iter());
    SanitizedHtml(SANITIZER.clean(&markup).to_string().trim_end().to_owned())
}

/// The beginning of `text` as plain words on one line, at most `max` characters.
pub fn excerpt(text: &str, max: usize) -> String {
    let mut words = String::new();
    for event in events(text) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                words.push_str(&text);
            }
            Event::SoftBreak | Event::HardBreak | Event::End(_) => words.push(' '),
            _ => {}
        }
        if words.len() > max * 8 {
            break;
        }
    }
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

fn events(text: &str) -> impl Iterator<Item = Event<'_>> {
    TextMergeStream::new(Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES))
}

/// Keeps track of where plain words stand: outside of code, and of links, which can't hold others.
#[derive(Default)]
struct Plain {
    code: bool,
    links: usize,
}

impl Plain {
    /// The words of `event`, where they are plain.
    fn words<'a>(&mut self, event: &'a Event<'_>) -> Option<&'a str> {
        match event {
            Event::Start(Tag::CodeBlock(_)) => self.code = true,
            Event::End(TagEnd::CodeBlock) => self.code = false,
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => self.links += 1,
            Event::End(TagEnd::Link | TagEnd::Image) => self.links = self.links.saturating_sub(1),
            Event::Text(words) if !self.code && self.links == 0 => return Some(words),
            _ => {}
        }
        None
    }
}

/// A piece of plain words.
enum Piece<'a> {
    Words(&'a str),
    /// As written, and the name folded.
    Mention(&'a str, String),
    Link(&'a str),
}

impl Piece<'_> {
    fn emit(self, who: &dyn Fn(&str) -> Option<Mentioned>, events: &mut Vec<Event<'_>>) {
        match self {
            Piece::Words(words) => events.push(Event::Text(words.to_owned().into())),
            Piece::Link(url) => {
                let escaped = escape(url);
                events.push(Event::InlineHtml(format!("<a href=\"{escaped}\">{escaped}</a>").into()));
            }
            Piece::Mention(written, name) => {
                let markup = if name == EVERYONE {
                    Some("<span class=\"mention\" data-everyone=\"\">@everyone</span>".to_owned())
                } else {
                    who(&name).map(|person| {
                        let display = escape(&person.display);
                        format!("<span class=\"mention\" data-user=\"{}\">@{display}</span>", person.user)
                    })
                };
                events.push(match markup {
                    Some(markup) => Event::InlineHtml(markup.into()),
                    None => Event::Text(written.to_owned().into()),
                });
            }
        }
    }
}

/// Cuts plain words into mentions, links, and what is between.
fn pieces(words: &str) -> Vec<Piece<'_>> {
    let mut pieces = vec![];
    let (mut from, mut at) = (0, 0);
    while let Some(step) = words[at..].find(['@', 'h', 'H']) {
        let start = at + step;
        let fresh = words[..start].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let found = if fresh { mention(&words[start..]).or_else(|| link(&words[start..])) } else { None };
        let Some((piece, length)) = found else {
            at = start + 1;
            continue;
        };
        if from < start {
            pieces.push(Piece::Words(&words[from..start]));
        }
        pieces.push(piece);
        from = start + length;
        at = from;
    }
    if from < words.len() {
        pieces.push(Piece::Words(&words[from..]));
    }
    pieces
}

fn mention(words: &str) -> Option<(Piece<'_>, usize)> {
    let name = words.strip_prefix('@')?;
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let name = &name[..name.find(|c| !inside(c)).unwrap_or(name.len())];
    let name = name.trim_end_matches(['.', '-', '_']);
    let folded = name.parse::<LoginName>().ok()?.into_string();
    let length = name.len() + 1;
    Some((Piece::Mention(&words[..length], folded), length))
}

fn link(words: &str) -> Option<(Piece<'_>, usize)> {
    let scheme = ["https://", "http://"]
        .iter()
        .find(|scheme| words.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))?;
    let end = words.find(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"'));
    let mut url = &words[..end.unwrap_or(words.len())];
    // What ends a sentence, or closes a bracket that opened before the link, isn't part of it.
    loop {
        let shorter = url.trim_end_matches(['.', ',', ':', ';', '!', '?', '\'', '*', '_', '~']);
        let unopened = shorter.ends_with(')') && !shorter.contains('(');
        let shorter = if unopened { &shorter[..shorter.len() - 1] } else { shorter };
        if shorter == url {
            break;
        }
        url = shorter;
    }
    (url.len() > scheme.len()).then_some((Piece::Link(url), url.len()))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

static SANITIZER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let tags = [
        "a",
        "blockquote",
        "br",
        "code",
        "del",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "span",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ];
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(tags.into())
        .tag_attributes(
            [
                ("a", ["href"].into()),
                ("ol", ["start"].into()),
                ("code", ["class"].into()),
                ("span", ["class", "data-user", "data-everyone"].into()),
            ]
            .into(),
        )
        .attribute_filter(|tag, attribute, value| match (tag, attribute) {
            ("code", "class") if !language(value) => None,
            ("span", "class") if value != "mention" => None,
            _ => Some(value.into()),
        })
        .url_schemes(["http", "https", "mailto"].into())
        .url_relative(ammonia::UrlRelative::Deny)
        .set_tag_attribute_value("a", "target", "_blank")
        .link_rel(Some("noopener noreferrer nofollow ugc"));
    builder
});

/// Whether a class names a code block's language, and nothing else.
fn language(class: &str) -> bool {
    class.strip_prefix("language-").is_some_and(|name| {
        (1..=30).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'#' | b'_' | b'.'))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nobody(_: &str) -> Option<Mentioned> {
        None
    }

    fn markup(text: &str) -> String {
        render(text, &nobody).into_string()
    }

    #[test]
    fn markdown_becomes_markup() {
        assert_eq!(markup("**a** *b* ~~c~~"), "<p><strong>a</strong> <em>b</em> <del>c</del></p>");
        assert_eq!(markup("a\nb"), "<p>a<br>\nb</p>");
        assert_eq!(
            markup("```rust\nlet a = \"<\";\n```"),
            "<pre><code class=\"language-rust\">let a = \"&lt;\";\n</code></pre>"
        );
    }

    #[test]
    fn html_is_shown_as_text() {
        assert_eq!(markup("<b>a</b>"), "<p>&lt;b&gt;a&lt;/b&gt;</p>");
        assert_eq!(markup("<script>x</script>"), "&lt;script&gt;x&lt;/script&gt;");
    }

    #[test]
    fn links_are_found_and_bounded() {
        let link = |url: &str| {
            format!("<a href=\"{url}\" target=\"_blank\" rel=\"noopener noreferrer nofollow ugc\">{url}</a>")
        };
        assert_eq!(
            markup("see https://a.example/b."),
            format!("<p>see {}.</p>", link("https://a.example/b"))
        );
        assert_eq!(markup("(https://a.example)"), format!("<p>({})</p>", link("https://a.example")));
        assert_eq!(markup("https://a.example/b_(c)"), format!("<p>{}</p>", link("https://a.example/b_(c)")));
        assert_eq!(markup("xhttps://a.example"), "<p>xhttps://a.example</p>");
        assert!(!markup("[a](javascript:alert(1))").contains("href"));
        assert!(!markup("![a](data:text/html,x)").contains("<img"));
        assert!(!markup("[a](/settings)").contains("href"));
    }

    #[test]
    fn people_are_mentioned_outside_of_code_and_links() {
        let found = names("@ann, hello @Bob! `@cid` [@dora](https://x.example) a@eve.example @everyone @ann");
        assert_eq!(found.people, ["ann", "bob"]);
        assert!(found.everyone);
        let user = UserId::new();
        let who = |name: &str| (name == "ann").then(|| Mentioned { user, display: "Ann <3".into() });
        assert_eq!(
            render("@ann. @bob", &who).as_str(),
            format!("<p><span class=\"mention\" data-user=\"{user}\">@Ann &lt;3</span>. @bob</p>")
        );
    }

    #[test]
    fn an_excerpt_is_one_line() {
        assert_eq!(excerpt("**a**\n\n- b\n- c `d`", 80), "a b c d");
        assert_eq!(excerpt(&"word ".repeat(100), 9), "word word…");
    }

    proptest! {
        #[test]
        fn no_text_brings_a_tag_or_attribute_of_its_own(text in any::<String>(), more in "[<>\"'`*_\\[\\]()!@a-z:/&;#= \n-]{0,200}") {
            for text in [text.clone(), more.clone(), format!("{text}{more}")] {
                let markup = markup(&text);
                let cleaned = SANITIZER.clean(&markup).to_string();
                prop_assert_eq!(cleaned.trim_end(), markup.as_str());
                for wrong in ["<script", "<img", "<iframe", "<style", "<svg", "javascript:\"", " on"] {
                    let tags = markup.split('<').skip(1).filter_map(|tag| tag.split_once('>')).map(|(tag, _)| tag);
                    for tag in tags {
                        prop_assert!(!format!("<{tag}").starts_with(wrong), "{} in {}", wrong, markup);
                        let inside_quotes = tag.split('"').step_by(2).collect::<String>();
                        prop_assert!(!inside_quotes.contains(" on"), "{}", markup);
                    }
                }
            }
        }

        #[test]
        fn mere_words_get_the_markup_that_they_always_get(
            words in "[a-zA-Z][a-zA-Z0-9äßøЖ語٣ ,.;:!?()'%-]{0,80}", any in "\\PC{0,40}",
        ) {
            prop_assert!(is_mere_words(&words));
            for text in [words, any] {
                prop_assert_eq!(render(&text, &nobody), render_anything(&text, &nobody));
            }
        }

        #[test]
        fn names_and_excerpts_take_any_text(text in any::<String>(), max in 1_usize..100) {
            let _ = names(&text);
            prop_assert!(excerpt(&text, max).chars().count() <= max + 1);
        }
    }
}
