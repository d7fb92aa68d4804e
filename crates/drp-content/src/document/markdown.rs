//! Documents in Markdown.

use super::block::{Block, Line, Span, flat, lines};

/// Fences of code are at least so long.
const FENCE_MIN: usize = 3;

pub(super) fn render(blocks: &[Block]) -> String {
    let blocks: Vec<String> = blocks.iter().map(block).collect();
    blocks.join("\n")
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading(level, text) => format!("{} {}\n", "#".repeat(*level), line(text)),
        Block::Paragraph(text) => format!("{}\n", line(text)),
        Block::List(items) => items.iter().map(|item| format!("- {}\n", line(item))).collect(),
        Block::Table(rows) => table(rows),
        // Markdown has no words for all that is in it, so it stands as it is.
        Block::Written(text) => {
            let fence = "`".repeat(longest_run(text).max(FENCE_MIN - 1) + 1);
            let text: String = lines(text).map(|line| line + "\n").collect();
            format!("{fence}rst\n{text}{fence}\n")
        }
    }
}

fn table(rows: &[Vec<Line>]) -> String {
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        // Bars part cells even within code.
        let cells: Vec<String> = row.iter().map(|cell| line(cell).replace('|', "\\|")).collect();
        text += &format!("| {} |\n", cells.join(" | "));
        if at == 0 {
            text += &format!("|{}\n", "---|".repeat(row.len()));
        }
    }
    text
}

fn line(line: &Line) -> String {
    line.iter().map(span).collect()
}

fn span(span: &Span) -> String {
    match span {
        Span::Words(text) => escape(&flat(text)),
        Span::Code(text) => code(&flat(text)),
    }
}

fn code(text: &str) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(text) + 1);
    // A blank keeps backticks of the text from those around it.
    let blank = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

/// Puts a backslash before what would not be read as it is. Bars are left to tables.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for (at, c) in text.char_indices() {
        let begins_block = at == 0 && matches!(c, '#' | '+' | '-' | '>' | '=' | '~');
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '&') || begins_block {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    // `1. x` begins a numbered list.
    let digits = escaped.len() - escaped.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits > 0 && escaped.get(digits..).is_some_and(|behind| behind.starts_with(['.', ')'])) {
        escaped.insert(digits, '\\');
    }
    escaped
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_they_are() {
        let check = |text: &str, expected: &str| assert_eq!(escape(&flat(text)), expected);
        check("a_b *c* <d> [e](f) & `g`", r"a\_b \*c\* \<d> \[e\](f) \& \`g\`");
        check("# x\n- y", r"\# x - y");
        check("1. x", r"1\. x");
        check("bell\u{7} \u{1b}[2J", "bell\u{fffd} \u{fffd}\\[2J");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`a`"), "`` `a` ``");
        let cell = vec![vec![vec![Span::Code("a|b".to_owned())]]];
        assert_eq!(table(&cell), "| `a\\|b` |\n|---|\n");
        assert_eq!(block(&Block::Written("x\n```\ny\n".to_owned())), "````rst\nx\n```\ny\n````\n");
    }
}
