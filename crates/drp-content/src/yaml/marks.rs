//! Where things stand in a text of YAML or JSON, which is YAML as well.

use std::collections::BTreeSet;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use super::{lossy, scalar};

/// Values of one text whose place is kept; a bundle of a million of them is far beyond any that is known.
const NODES_MAX: usize = 1 << 20;

/// Keys of a map that are looked through for one in another letter case: objects have fewer.
const KEYS_OF_OBJECT_MAX: usize = 256;

/// A line and a column, both from 1.
pub(crate) type Position = (u32, u32);

/// A step on the way from a document to something in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Key(String),
    Item(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(item: usize) -> Self {
        Self::Item(item)
    }
}

/// The first document of a text, and what an author should know of the text.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// `None` for no document.
    root: Option<Node>,
    /// Where a second document begins: its position and its offset in bytes.
    pub(crate) second_document: Option<(Position, usize)>,
    /// Keys that stand in their map already.
    pub(crate) repeated_keys: Vec<(Position, String)>,
    /// Lines that are indented with a tab where YAML takes none.
    pub(crate) tabs: Vec<Position>,
}

/// A value in the text.
#[derive(Debug)]
pub(crate) struct Node {
    position: Position,
    /// The text of a scalar without quotes.
    pub(crate) plain: Option<String>,
    /// A scalar whose lines stand in the text as they are: line by line from `position` on.
    is_literal: bool,
    /// Those of a map by key, equal keys as they stand.
    children: Vec<Child>,
}

#[derive(Debug)]
struct Child {
    step: Step,
    /// Where its key stands, and how it is written if it has no quotes.
    key: Option<(Position, Option<String>)>,
    node: Node,
}

impl Marks {
    /// Reads a text as far as it is YAML: what is behind the first mistake has no position.
    pub(crate) fn read(text: &str) -> Self {
        let mut reader = Reader::default();
        for next in Parser::new_from_str(text) {
            let Ok((event, span)) = next else { break };
            if matches!(event, Event::DocumentStart(..)) && reader.documents == 1 {
                reader.marks.second_document = Some((position(&span), span.start.byte_offset().unwrap_or(text.len())));
                break;
            }
            reader.take(event, &span);
            if reader.nodes > NODES_MAX {
                break;
            }
        }
        reader.finish(text)
    }

    /// Where the value at a path stands; where the nearest thing around it does if the text has no such value.
    pub(crate) fn position(&self, path: &[Step]) -> Option<Position> {
        let (child, node) = self.find(path)?;
        // A map or a text of several lines begins below its key, which is what one looks for.
        let key = child.and_then(|child| child.key.as_ref()).map(|(position, _)| *position);
        Some(key.filter(|key| key.0 != node.position.0).unwrap_or(node.position))
    }

    /// Where the key of the value at a path stands.
    pub(crate) fn key_position(&self, path: &[Step]) -> Option<Position> {
        let (child, node) = self.find(path)?;
        Some(child.and_then(|child| child.key.as_ref()).map_or(node.position, |(position, _)| *position))
    }

    /// Where a line of the text at a path stands, counted from 0.
    pub(crate) fn line_position(&self, path: &[Step], line: u32) -> Option<Position> {
        match self.node(path) {
            Some(node) if node.is_literal => Some((node.position.0 + line, node.position.1)),
            _ => self.position(path),
        }
    }

    /// The value at exactly this path.
    pub(crate) fn node(&self, path: &[Step]) -> Option<&Node> {
        path.iter().try_fold(self.root.as_ref()?, |node, step| node.child(step).map(|child| &child.node))
    }

    /// Every scalar without quotes, with its path, and every such key.
    pub(crate) fn visit_plain<'a>(&'a self, base: &[Step], mut visit: impl FnMut(&[Step], Plain<'a>)) {
        if let Some(node) = self.node(base) {
            node.visit_plain(&mut base.to_vec(), &mut visit);
        }
    }

    fn find(&self, path: &[Step]) -> Option<(Option<&Child>, &Node)> {
        let mut at = (None, self.root.as_ref()?);
        for step in path {
            let Some(child) = at.1.child(step) else { break };
            at = (Some(child), &child.node);
        }
        Some(at)
    }
}

/// A text without quotes.
#[derive(Debug)]
pub(crate) enum Plain<'a> {
    Key(&'a str),
    Value(&'a str),
}

impl Node {
    fn new(span: &Span) -> Self {
        Self { position: position(span), plain: None, is_literal: false, children: Vec::new() }
    }

    fn child(&self, step: &Step) -> Option<&Child> {
        // Of equal keys the last one counts.
        let behind = self.children.partition_point(|child| child.step <= *step);
        let exact = behind.checked_sub(1).and_then(|at| self.children.get(at)).filter(|child| child.step == *step);
        let same = |child: &&Child| match (&child.step, step) {
            (Step::Key(a), Step::Key(b)) => a.eq_ignore_ascii_case(b),
            _ => false,
        };
        exact.or_else(|| self.children.iter().take(KEYS_OF_OBJECT_MAX).find(same))
    }

    fn visit_plain<'a>(&'a self, path: &mut Vec<Step>, visit: &mut impl FnMut(&[Step], Plain<'a>)) {
        if let Some(plain) = &self.plain {
            visit(path, Plain::Value(plain));
        }
        for child in &self.children {
            path.push(child.step.clone());
            if let Some((_, Some(key))) = &child.key {
                visit(path, Plain::Key(key));
            }
            child.node.visit_plain(path, visit);
            path.pop();
        }
    }
}

/// Builds the tree from the parser's events.
#[derive(Default)]
struct Reader {
    marks: Marks,
    documents: usize,
    nodes: usize,
    open: Vec<Open>,
    /// First and last lines inside of texts and of lists and maps in brackets, where tabs do no harm.
    free_lines: Vec<(u32, u32)>,
}

/// A list or map that is not complete.
struct Open {
    node: Node,
    is_map: bool,
    is_flow: bool,
    /// The key whose value comes next, as servers read it; where it stands; and how it is written without quotes.
    key: Option<(String, Position, Option<String>)>,
    keys: BTreeSet<String>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, span: &Span) {
        match event {
            Event::Scalar(text, style, ..) => self.scalar(text.into_owned(), style, span),
            Event::Alias(_) | Event::UnresolvedAlias(_) => self.add(Node::new(span)),
            Event::SequenceStart(style, ..) => self.open(span, false, style),
            Event::MappingStart(style, ..) => self.open(span, true, style),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    self.close(open, line(span.end.line()));
                }
            }
            Event::DocumentEnd => self.documents += 1,
            _ => {}
        }
    }

    fn scalar(&mut self, text: String, style: ScalarStyle, span: &Span) {
        let is_plain = style == ScalarStyle::Plain;
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let first = line(span.start.line()) + u32::from(!is_block);
        let last = line(span.end.line());
        self.free(first, if span.end.col() == 0 { last.saturating_sub(1) } else { last });
        if let Some(open) = self.open.last_mut().filter(|open| open.is_map && open.key.is_none()) {
            // `on` is the key `true`.
            let read = if is_plain { scalar::resolve(&text, scalar::Tag::Open).ok() } else { None };
            let key = read
                .filter(|read| read.is_boolean() || read.is_number())
                .map_or_else(|| text.clone(), |read| lossy::text(&read));
            if !open.keys.insert(key.clone()) {
                self.marks.repeated_keys.push((position(span), key.clone()));
            }
            open.key = Some((key, position(span), is_plain.then_some(text)));
            return;
        }
        let plain = (is_plain && !span.is_empty()).then_some(text);
        self.add(Node { plain, is_literal: style == ScalarStyle::Literal, ..Node::new(span) });
    }

    fn open(&mut self, span: &Span, is_map: bool, style: StructureStyle) {
        let is_flow = style == StructureStyle::Flow;
        self.open.push(Open { node: Node::new(span), is_map, is_flow, key: None, keys: BTreeSet::new() });
    }

    fn close(&mut self, mut open: Open, last_line: u32) {
        if open.is_flow {
            self.free(open.node.position.0 + 1, last_line);
        }
        if open.is_map {
            open.node.children.sort_by(|a, b| a.step.cmp(&b.step));
        }
        self.add(open.node);
    }

    fn add(&mut self, node: Node) {
        self.nodes += 1;
        let Some(open) = self.open.last_mut() else {
            self.marks.root.get_or_insert(node);
            return;
        };
        let (step, key) = match (open.is_map, open.key.take()) {
            (false, _) => (Step::Item(open.node.children.len()), None),
            (true, Some((key, position, plain))) => (Step::Key(key), Some((position, plain))),
            // A key that is a list, a map or an alias: nothing looks for it.
            (true, None) => {
                open.key = Some((String::new(), node.position, None));
                return;
            }
        };
        open.node.children.push(Child { step, key, node });
    }

    fn free(&mut self, first: u32, last: u32) {
        if first <= last {
            self.free_lines.push((first, last));
        }
    }

    fn finish(mut self, text: &str) -> Marks {
        // What was open when the text broke off is still good for positions.
        while let Some(open) = self.open.pop() {
            self.close(open, u32::MAX);
        }
        self.free_lines.sort_unstable();
        let (mut free, mut free_to) = (self.free_lines.into_iter().peekable(), 0);
        let end = self.marks.second_document.map_or(text.len(), |(_, offset)| offset);
        for (number, content) in (1..).zip(text.get(..end).unwrap_or(text).lines()) {
            while let Some((_, last)) = free.next_if(|(first, _)| *first <= number) {
                free_to = free_to.max(last);
            }
            let indentation = content.find(|c| !matches!(c, ' ' | '\t' | '-' | '?')).unwrap_or(content.len());
            let (indentation, behind) = content.split_at(indentation);
            // Whether blanks before a tab make it harmless there depends on what is before the line.
            let is_empty = behind.is_empty() || behind.starts_with('#');
            if let Some(tab) = indentation.find('\t').filter(|tab| *tab == 0 || !is_empty)
                && !content.starts_with("---")
                && number > free_to
            {
                self.marks.tabs.push((number, line(tab) + 1));
            }
        }
        self.marks
    }
}

fn position(span: &Span) -> Position {
    (line(span.start.line()), line(span.start.col()) + 1)
}

fn line(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn path(text: &str) -> Vec<Step> {
        let step = |step: &str| step.parse().map_or_else(|_| Step::from(step), Step::Item);
        text.split('/').filter(|step| !step.is_empty()).map(step).collect()
    }

    #[test]
    fn values_are_found_where_they_stand() {
        let text = "---\nName: x\nSchema:\n  type: string\nTemplates:\n- Name: a\n  Contents: |\n    one\n    two\n- {Name: b, Meta: {OS: linux}}\n";
        let marks = Marks::read(text);
        let check = |at: &str, expected: Position| assert_eq!(marks.position(&path(at)), Some(expected), "{at}");
        check("Name", (2, 7));
        check("name", (2, 7));
        check("Schema", (3, 1));
        check("Schema/type", (4, 9));
        check("Templates/0", (6, 3));
        check("Templates/0/Contents", (7, 3));
        check("Templates/1/Meta/OS", (10, 24));
        // What is not there is where it would be.
        check("Templates/1/Meta/Other/deeper", (10, 19));
        check("Nothing", (2, 1));
        assert_eq!(marks.line_position(&path("Templates/0/Contents"), 1), Some((9, 5)));
        assert_eq!(marks.line_position(&path("Name"), 5), Some((2, 7)));
        assert_eq!(Marks::read("a: 1\non: 2\n012: 3\n").position(&[Step::from("true")]), Some((2, 5)));
        assert_eq!(marks.key_position(&path("Schema/type")), Some((4, 3)));
    }

    #[test]
    fn json_is_read_too_and_so_is_a_text_that_breaks_off() {
        let marks = Marks::read("{\"a\": [1,\n\t{\"b/c\": 2}]}");
        assert_eq!(marks.position(&[Step::from("a"), Step::Item(1), Step::from("b/c")]), Some((2, 10)));
        assert!(marks.tabs.is_empty());
        let escaped = Marks::read("{\"a\": \"\\ud83d\\ude00 \\/ \\u0041\",\n\"b\": 1,\n\"c\": [\"x\\ty\"]}");
        assert_eq!(escaped.position(&path("c/0")), Some((3, 7)));
        let broken = Marks::read("a: 1\nb:\n  c: [1,\n");
        assert_eq!(broken.position(&path("b/c")), Some((3, 6)));
        assert_eq!(Marks::read("").position(&[]), None);
    }

    #[test]
    fn what_an_author_should_know_is_noted() {
        let marks = Marks::read("a: 1\nb: {c: 1, c: 2}\na: 2\n---\nd: 1\n");
        let keys: Vec<_> = marks.repeated_keys.iter().map(|(at, key)| (*at, key.as_str())).collect();
        assert_eq!(keys, [((2, 11), "c"), ((3, 1), "a")]);
        assert_eq!(marks.second_document, Some(((4, 1), 26)));
        // The last one counts.
        assert_eq!(marks.position(&path("a")), Some((3, 4)));
    }

    #[test]
    fn a_text_may_break_off_anywhere() {
        let text = "---\na: &x {b: [1, 'c'], \"d\": \"e\\n\"}\n? [k]\n: *x\nf: |\n  g\n\th: - i\n...\n--- !t\n<<: *x\n";
        for (end, _) in text.char_indices() {
            let marks = Marks::read(&text[..end]);
            assert!(marks.position(&[]).is_none_or(|(line, _)| line < 10));
        }
    }

    #[test]
    fn tabs_are_wrong_where_they_indent() {
        let check = |text: &str, expected: &[Position]| assert_eq!(Marks::read(text).tabs, expected, "{text:?}");
        check("\ta: 1\n", &[(1, 1)]);
        check("a: 1\n\t\nb: 2\n", &[(2, 1)]);
        check("a:\n-\tx\n", &[(2, 2)]);
        check("a:\n  - b\t\nc:\td\t# e\n", &[]);
        check("a: |\n  x\n  \ty\nb: 1\n", &[]);
        check("a: |\n  x\n\t\nb: 1\n", &[(3, 1)]);
        check("a: b\n  \t\n  \t# c\nd: e\n", &[]);
        check("a: b\n\t# c\nd: e\n", &[(2, 1)]);
        check("a: {\n\tb: 1\n}\nc: \"d\n\te\"\n", &[]);
    }
}
