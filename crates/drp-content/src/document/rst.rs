//! Documents in reStructuredText.

use super::block::{Block, Line, Span, flat, lines};

/// The line over and under a heading, by level.
const ADORNMENTS: [char; 4] = ['#', '=', '-', '~'];

pub(super) fn render(blocks: &[Block]) -> String {
    let blocks: Vec<String> = blocks.iter().map(block).collect();
    blocks.join("\n")
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading(level, text) => heading(*level, &line(text)),
        Block::Paragraph(text) => format!("{}\n", line(text)),
        Block::List(items) => items.iter().map(|item| format!("- {}\n", line(item))).collect(),
        Block::Table(rows) => table(rows),
        Block::Written(text) => written(text),
    }
}

/// What an author wrote, its headings as rubrics: they were not written for the levels of this document, which must be
/// the same for all.
fn written(text: &str) -> String {
    let lines: Vec<String> = lines(text).collect();
    let line = |at: Option<usize>| at.and_then(|at| lines.get(at)).map_or("", String::as_str);
    let mut written = String::new();
    let mut at = 0;
    while at < lines.len() {
        let (before, title, below) = (line(at.checked_sub(1)), line(Some(at)), line(Some(at + 1)));
        let is_title =
            before.is_empty() && !title.starts_with(' ') && is_heading(title, below) && adornment(title).is_none();
        let is_framed = before.is_empty() && adornment(title).is_some() && is_heading(below, line(Some(at + 2)));
        let (title, taken) = match (is_title, is_framed) {
            (true, _) => (Some(title), 2),
            (_, true) => (Some(below), 3),
            _ => (None, 1),
        };
        match title {
            Some(title) => {
                // A rubric ends with an empty line.
                let end = if line(Some(at + taken)).is_empty() { "" } else { "\n" };
                written += &format!(".. rubric:: {}\n{end}", title.trim());
            }
            None => written += &format!("{}\n", line(Some(at))),
        }
        at += taken;
    }
    written
}

/// Whether a line is a heading if this one is below it.
fn is_heading(title: &str, below: &str) -> bool {
    /// So long a line makes any text above it a heading, even a longer one.
    const ADORNMENT_MIN: usize = 4;
    let length = below.chars().count();
    let is_text = !title.trim().is_empty();
    is_text && adornment(below).is_some() && (length >= ADORNMENT_MIN || length >= title.chars().count())
}

/// The character of a line that has no other.
fn adornment(line: &str) -> Option<char> {
    let first = line.chars().next().filter(char::is_ascii_punctuation)?;
    line.chars().all(|c| c == first).then_some(first)
}

fn heading(level: usize, text: &str) -> String {
    let adornment = ADORNMENTS.get(level.saturating_sub(1)).copied().unwrap_or('~');
    // Letters of some scripts are two columns wide; a line that is too long does no harm.
    let width: usize = text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    let line = adornment.to_string().repeat(width);
    format!("{line}\n{text}\n{line}\n")
}

fn table(rows: &[Vec<Line>]) -> String {
    let mut text = String::from(".. list-table::\n   :header-rows: 1\n\n");
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            let mark = if at == 0 { "   * -" } else { "     -" };
            text += format!("{mark} {}", line(cell)).trim_end();
            text.push('\n');
        }
    }
    text
}

fn line(line: &Line) -> String {
    line.iter().enumerate().map(|(at, span)| render_span(span, at == 0)).collect()
}

fn render_span(span: &Span, is_first: bool) -> String {
    match span {
        Span::Words(text) => escape(&flat(text), is_first),
        Span::Code(text) => {
            let text = flat(text);
            // Between the quotes nothing can be escaped, so what needs it stands without them.
            let fits = !text.trim().is_empty() && text.trim() == text && !text.contains('`') && !text.ends_with('\\');
            if fits { format!("``{text}``") } else { escape(text.trim(), is_first) }
        }
    }
}

fn escape(text: &str, is_first: bool) -> String {
    let mut escaped = String::new();
    let digits = text.len() - text.trim_start_matches(char::is_alphanumeric).len();
    for (at, c) in text.char_indices() {
        let begins_block =
            is_first && at == 0 && !c.is_alphanumeric() && !matches!(c, '\\' | '`' | '*' | '_' | '|' | ' ');
        // `1. x` and `a) x` begin lists.
        let begins_list = is_first && digits > 0 && at == digits && matches!(c, '.' | ')');
        if matches!(c, '\\' | '`' | '*' | '_' | '|') || begins_block || begins_list {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_they_are() {
        let check = |text: &str, expected: &str| assert_eq!(escape(&flat(text), true), expected);
        check("a_ *b* `c` |d| \\e", r"a\_ \*b\* \`c\` \|d\| \\e");
        check(".. note:: x", r"\.. note:: x");
        check("- x\ny", r"\- x y");
        check("1. x", r"1\. x");
        let code = |text: &str| render_span(&Span::Code(text.to_owned()), true);
        assert_eq!(code("a|b"), "``a|b``");
        assert_eq!(code("a`b "), r"a\`b");
        let text = "One\n===\nx\n\n----\n Two\n----\n\n::\n\n  no\n  --\n\n====  ====\na     b\n====  ====\n\n--\n";
        let expected =
            ".. rubric:: One\n\nx\n\n.. rubric:: Two\n\n::\n\n  no\n  --\n\n====  ====\na     b\n====  ====\n\n--\n";
        assert_eq!(written(text), expected);
        assert_eq!(heading(2, "日本"), "====\n日本\n====\n");
    }
}
