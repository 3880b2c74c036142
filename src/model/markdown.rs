//! From a message's Markdown to markup that is safe to show.
