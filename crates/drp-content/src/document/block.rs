//! The parts of a document, whatever its language.

/// A part of a document.
#[derive(Debug)]
pub(super) enum Block {
    /// A heading; 1 is the title.
    Heading(usize, Line),
    /// A paragraph.
    Paragraph(Line),
    /// Several lines, each beginning with a dash.
    List(Vec<Line>),
    /// Rows of cells, the first one of headings.
    Table(Vec<Vec<Line>>),
    /// What an author wrote in reStructuredText.
    Written(String),
}

/// A line of text.
pub(super) type Line = Vec<Span>;

/// A part of a line.
#[derive(Clone, Debug)]
pub(super) enum Span {
    /// Words.
    Words(String),
    /// A name or a value.
    Code(String),
}

/// A line of words.
pub(super) fn words(text: impl Into<String>) -> Line {
    vec![Span::Words(text.into())]
}

/// A line of one name or value.
pub(super) fn code(text: impl Into<String>) -> Line {
    vec![Span::Code(text.into())]
}

/// Names with commas between.
pub(super) fn codes(names: impl IntoIterator<Item = impl Into<String>>) -> Line {
    let mut line = Line::new();
    for name in names {
        if !line.is_empty() {
            line.push(Span::Words(", ".to_owned()));
        }
        line.push(Span::Code(name.into()));
    }
    line
}

/// A text in one line, and without what steers terminals.
pub(super) fn flat(text: &str) -> String {
    let shown: String =
        text.chars().map(|c| if c.is_control() && !c.is_whitespace() { '\u{fffd}' } else { c }).collect();
    let (before, after) = (shown.starts_with(char::is_whitespace), shown.ends_with(char::is_whitespace));
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    match (words.is_empty(), before, after) {
        (true, ..) if shown.is_empty() => String::new(),
        (true, ..) => " ".to_owned(),
        (_, before, after) => format!("{}{words}{}", if before { " " } else { "" }, if after { " " } else { "" }),
    }
}

/// The lines of what an author wrote, without what steers terminals.
pub(super) fn lines(text: &str) -> impl Iterator<Item = String> {
    text.trim_matches('\n').lines().map(|line| {
        let shown = line.trim_end().chars();
        shown.map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
    })
}
