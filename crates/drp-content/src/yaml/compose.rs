//! A document put together from the parser's events: anchors, merges and repeated keys as Go servers take them, within
//! limits.

use std::collections::{BTreeMap, HashMap};

use drp_core::limits;
use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use serde_json::Value;

use super::{
    Node, NodeKind, Position, YamlError, YamlProblem,
    key::{is_merge, key_text},
    node::Entry,
    scalar::{self, ScalarError, Tag},
};

/// What a server's tags begin with in full.
const CORE: &str = "tag:yaml.org,2002:";

/// The first document of a text; others are left alone, as Go leaves them.
pub(super) fn first_document(text: &str) -> Result<Node, YamlError> {
    let options = granit_parser::options! {
        // As Go: what ends the text without a line break has none.
        block_scalar_eof_without_line_feed: true,
        emit_comments: false,
        flow_nesting_limit: limits::JSON_DEPTH_MAX,
        block_nesting_limit: limits::JSON_DEPTH_MAX,
    };
    let parser = Parser::new_from_str_with_options(text, options);
    let mut composer = Composer { parser, anchors: HashMap::new(), nodes: 0, repeated_nodes: 0, repeated_bytes: 0 };
    loop {
        match composer.next()? {
            (Event::StreamStart | Event::DocumentStart(..), _) => {}
            // A text of nothing but comments.
            (Event::StreamEnd | Event::DocumentEnd, span) => {
                return Ok(Node { position: position(&span), kind: NodeKind::Scalar(Value::Null) });
            }
            (event, span) => {
                let built = composer.node(event, &span, 0)?;
                // What stands behind it on its line is an error, and no other document.
                composer.next()?;
                return Ok(built.node);
            }
        }
    }
}

/// A node and what it costs wherever an alias repeats it.
#[derive(Clone)]
struct Built {
    node: Node,
    nodes: usize,
    text_bytes: usize,
    /// Levels of lists and maps in it.
    depth: usize,
}

struct Composer<'input> {
    parser: Parser<'input, StrInput<'input>>,
    anchors: HashMap<usize, Built>,
    /// Of the whole document so far, without what aliases repeat.
    nodes: usize,
    /// What anchors and aliases have repeated so far.
    repeated_nodes: usize,
    repeated_bytes: usize,
}

impl<'input> Composer<'input> {
    fn next(&mut self) -> Result<(Event<'input>, Span), YamlError> {
        match self.parser.next() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(YamlError::new(
                Position { line: error.marker().line(), column: error.marker().col() + 1 },
                YamlProblem::Syntax(error.info()),
            )),
            None => Err(YamlError::new(Position::default(), YamlProblem::Syntax("the text ends too early".to_owned()))),
        }
    }

    /// The node that begins with an event, `depth` levels down.
    fn node(&mut self, event: Event<'input>, span: &Span, depth: usize) -> Result<Built, YamlError> {
        let position = position(span);
        let (built, anchor) = match event {
            Event::Alias(anchor) => return self.alias(anchor, position, depth),
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_deref().map_or_else(|| untagged(style), tag_of);
                self.count(position)?;
                let value = scalar::resolve(&text, tag).map_err(|error| misfit(position, &text, &error))?;
                let node = Node { position, kind: NodeKind::Scalar(value) };
                (Built { node, nodes: 1, text_bytes: text.len(), depth: 0 }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (self.list(position, depth + 1)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.map(position, depth + 1)?, anchor),
            other => {
                return Err(YamlError::new(position, YamlProblem::Syntax(format!("unexpected {other:?}"))));
            }
        };
        if anchor != 0 {
            self.repeat(position, built.nodes, built.text_bytes)?;
            self.anchors.insert(anchor, built.clone());
        }
        Ok(built)
    }

    /// Another copy of what stands at an anchor.
    fn alias(&mut self, anchor: usize, position: Position, depth: usize) -> Result<Built, YamlError> {
        // Anchors are known once their node is complete: one that is not yet contains its alias.
        let Some(built) = self.anchors.get(&anchor) else {
            return Err(YamlError::new(position, YamlProblem::Cycle));
        };
        if depth + built.depth > limits::JSON_DEPTH_MAX {
            return Err(YamlError::new(position, YamlProblem::TooDeep));
        }
        let (nodes, text_bytes) = (built.nodes, built.text_bytes);
        self.repeat(position, nodes, text_bytes)?;
        let mut built = self.anchors.get(&anchor).cloned().ok_or(YamlError::new(position, YamlProblem::Cycle))?;
        built.node.position = position;
        Ok(built)
    }

    /// Makes room for another copy of something: an anchor keeps one, and so is every alias.
    fn repeat(&mut self, position: Position, nodes: usize, text_bytes: usize) -> Result<(), YamlError> {
        self.repeated_nodes = self.repeated_nodes.saturating_add(nodes);
        self.repeated_bytes = self.repeated_bytes.saturating_add(text_bytes);
        if self.repeated_nodes > limits::YAML_REPEATED_NODES_MAX
            || self.repeated_bytes > limits::YAML_REPEATED_BYTES_MAX
        {
            return Err(YamlError::new(position, YamlProblem::TooMuchRepeated));
        }
        Ok(())
    }

    fn list(&mut self, position: Position, depth: usize) -> Result<Built, YamlError> {
        let mut size = self.open(position, depth)?;
        let mut nodes = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(size.close(Node { position, kind: NodeKind::List(nodes) })),
                (event, span) => {
                    let built = self.node(event, &span, depth)?;
                    nodes.push(size.add(built));
                }
            }
        }
    }

    fn map(&mut self, position: Position, depth: usize) -> Result<Built, YamlError> {
        let mut size = self.open(position, depth)?;
        let mut entries = BTreeMap::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(size.close(Node { position, kind: NodeKind::Map(entries) }));
            }
            let merges = is_merge(&event);
            let key = size.add(self.node(event, &span, depth)?);
            let (event, span) = self.next()?;
            let is_alias = matches!(event, Event::Alias(_));
            let value = size.add(self.node(event, &span, depth)?);
            if merges {
                // Go takes a list of maps only where it is written out.
                if is_alias && !matches!(value.kind, NodeKind::Map(_)) {
                    return Err(YamlError::new(value.position, YamlProblem::Merge));
                }
                merge(&mut entries, value)?;
            } else {
                let text = key_text(&key)?;
                entries.insert(text, Entry { position: key.position, value });
            }
        }
    }

    fn open(&mut self, position: Position, depth: usize) -> Result<Size, YamlError> {
        if depth > limits::JSON_DEPTH_MAX {
            return Err(YamlError::new(position, YamlProblem::TooDeep));
        }
        self.count(position)?;
        Ok(Size { nodes: 1, text_bytes: 0, depth: 0 })
    }

    fn count(&mut self, position: Position) -> Result<(), YamlError> {
        self.nodes += 1;
        if self.nodes > limits::YAML_NODES_MAX {
            return Err(YamlError::new(position, YamlProblem::TooLarge));
        }
        Ok(())
    }
}

/// What a list or map costs, while it is put together.
struct Size {
    nodes: usize,
    text_bytes: usize,
    depth: usize,
}

impl Size {
    fn add(&mut self, built: Built) -> Node {
        self.nodes += built.nodes;
        self.text_bytes += built.text_bytes;
        self.depth = self.depth.max(built.depth);
        built.node
    }

    fn close(self, node: Node) -> Built {
        Built { node, nodes: self.nodes, text_bytes: self.text_bytes, depth: self.depth + 1 }
    }
}

/// Puts the entries of a map, or of a list of them, into another. As in Go, what the other had before is overwritten;
/// of a list the first counts.
fn merge(entries: &mut BTreeMap<String, Entry>, value: Node) -> Result<(), YamlError> {
    let no_map = |position| YamlError::new(position, YamlProblem::Merge);
    match value.kind {
        NodeKind::Map(more) => entries.extend(more),
        NodeKind::List(maps) => {
            for map in maps.into_iter().rev() {
                let NodeKind::Map(more) = map.kind else { return Err(no_map(map.position)) };
                entries.extend(more);
            }
        }
        NodeKind::Scalar(_) => return Err(no_map(value.position)),
    }
    Ok(())
}

fn untagged(style: ScalarStyle) -> Tag {
    if style == ScalarStyle::Plain { Tag::Open } else { Tag::Text }
}

fn tag_of(tag: &granit_parser::Tag) -> Tag {
    match tag.suffix_in_namespace(CORE).as_deref() {
        Some("bool") => Tag::Boolean,
        Some("int") => Tag::Integer,
        Some("float") => Tag::Float,
        Some("null") => Tag::Null,
        Some("binary") => Tag::Binary,
        // What nobody knows is the text it stands before.
        _ => Tag::Text,
    }
}

fn misfit(position: Position, text: &str, error: &ScalarError) -> YamlError {
    let problem = match *error {
        ScalarError::NotFinite => YamlProblem::NotFinite(text.to_owned()),
        ScalarError::Misfit(expected) => YamlProblem::Misfit { expected },
    };
    YamlError::new(position, problem)
}

fn position(span: &Span) -> Position {
    Position { line: span.start.line(), column: span.start.col() + 1 }
}
