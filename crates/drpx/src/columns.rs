//! Rows whose columns stand under each other, though nobody knows yet what the next row has.

use anstyle::Style;

use crate::show::presentable;

/// A column grows with what is in it, up to this; longer texts only shift their own row.
const WIDTH_MAX: usize = 40;

pub(crate) struct Columns<const N: usize> {
    widths: [usize; N],
}

impl<const N: usize> Columns<N> {
    /// Columns that are so wide at first.
    pub(crate) fn new(widths: [usize; N]) -> Self {
        Self { widths }
    }

    /// A row, with what is behind the last column.
    pub(crate) fn row(&mut self, cells: [(Style, &str); N], rest: &str) -> String {
        let mut row = String::new();
        for ((style, text), width) in cells.into_iter().zip(&mut self.widths) {
            let text = if text.is_empty() { "-".to_owned() } else { presentable(text) };
            let length = text.chars().count();
            *width = length.min(WIDTH_MAX).max(*width);
            let blanks = " ".repeat(width.saturating_sub(length));
            row.push_str(&format!("{style}{text}{style:#}{blanks}  "));
        }
        row.push_str(&presentable(rest));
        row.truncate(row.trim_end().len());
        row
    }
}

/// A text, or as much of it as has so many characters.
pub(crate) fn cut(text: &str, characters_max: usize) -> String {
    let mut characters = text.chars();
    let head: String = characters.by_ref().take(characters_max).collect();
    if characters.next().is_none() { head } else { format!("{head}…") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_grow_and_do_not_shrink() {
        let mut columns = Columns::new([3, 2]);
        let mut check = |first: &str, second: &str, rest: &str, expected: &str| {
            assert_eq!(columns.row([(Style::new(), first), (Style::new(), second)], rest), expected);
        };
        check("a", "b", "rest", "a    b   rest");
        check("long", "", "", "long  -");
        check("a", "b", "rest\n", "a     b   rest\\n");
        check(&"x".repeat(50), "b", "c", &format!("{}  b   c", "x".repeat(50)));
        check("a", "b", "c", &format!("a{}  b   c", " ".repeat(39)));
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüx", 3), "äöü…");
    }
}
