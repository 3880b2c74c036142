//! Scripts and style sheets without what only who reads their source needs: comments that fill whole lines, and types within a
//! line. What is left stands in the same lines, so that an error names the right one.

/// The source without its comments. Licences (`/*!`) stay, and so does all that lies in a template or may do.
pub(super) fn slim(source: &str) -> String {
    let mut slim = String::with_capacity(source.len());
    let (mut in_comment, mut in_template) = (false, false);
    for line in source.lines() {
        let kept = match (in_comment, in_template) {
            (true, _) => after_comment(line),
            (_, true) => Some(line),
            _ => before_comment(line),
        };
        in_comment = kept.is_none();
        let kept = kept.unwrap_or_default();
        if kept.contains('`') || in_template {
            slim.push_str(kept);
            in_template ^= kept.replace("\\`", "").matches('`').count() % 2 == 1;
        } else {
            push_without_types(kept, &mut slim);
        }
        slim.push('\n');
    }
    slim
}

/// What is left of a line that begins outside of comments; none when a comment goes on after it.
fn before_comment(line: &str) -> Option<&str> {
    let text = line.trim_start();
    if text.starts_with("//") {
        Some("")
    } else if text.starts_with("/*") && !text.starts_with("/*!") {
        after_comment(text)
    } else {
        Some(line)
    }
}

/// What is left of a line in a comment; none when that goes on after it.
fn after_comment(line: &str) -> Option<&str> {
    line.split_once("*/").map(|(_, after)| after.trim_start())
}

/// Types come as `/** @type {…} */` before an expression or a name.
fn push_without_types(mut line: &str, slim: &mut String) {
    while let Some((before, rest)) = line.split_once("/** @")
        && let Some((_, after)) = rest.split_once("*/")
    {
        slim.push_str(before);
        line = after.trim_start();
    }
    slim.push_str(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_lines_stay() {
        let source = "\
/** What it is.
 * @param {string} a */
export function f(a) {
  // Why.
  const b = /** @type {number} */ (a); // at an end it may be text, and stays
  /* said */ return b;
}
/*! A licence. */
.x { content: '//'; }
";
        let slim_source = "\n\nexport function f(a) {

  const b = (a); // at an end it may be text, and stays
return b;
}
/*! A licence. */
.x { content: '//'; }
";
        assert_eq!(slim(source), slim_source);
        assert_eq!(slim(slim_source), slim_source);
    }

    #[test]
    fn templates_stay_as_they_are() {
        let source = "\
const a = `
// no comment
/* nor this */ /** @type {x} */
` + `\\``;
// a comment
const b = `/** @type {x} */`;
";
        assert_eq!(slim(source), source.replace("// a comment", ""));
    }
}
