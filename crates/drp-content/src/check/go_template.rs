//! As much of Go's `text/template` as a check can be sure of: where actions begin and end, which blocks they open and
//! close, and what they name.

/// Actions that begin what an `end` ends.
const OPENERS: [&str; 5] = ["if", "range", "with", "block", "define"];
/// What templates call with the name of a param.
const PARAM_CALLS: [&str; 7] =
    ["ComposeParam", "Param", "ParamAsJSON", "ParamAsYAML", "ParamCompose", "ParamExists", "ParamExpand"];

/// What was seen in a text. Lines count from 0.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// The first thing that keeps the text from being a template.
    pub(super) problem: Option<(u32, String)>,
    /// Params that are asked for by name.
    pub(super) params: Vec<(u32, String)>,
    /// Templates that are used by name.
    pub(super) templates: Vec<(u32, String)>,
    /// Templates that are defined in it.
    pub(super) definitions: Vec<String>,
}

/// Looks through a text.
pub(super) fn look(text: &str) -> Seen {
    let mut seen = Seen::default();
    let mut open: Vec<(u32, &str)> = Vec::new();
    let (mut rest, mut line) = (text, 0);
    while let Some(start) = rest.find("{{") {
        let (before, action) = rest.split_at(start);
        line += newlines(before);
        let action = action.get(2..).unwrap_or_default();
        let inside = match inside(action) {
            Ok(inside) => inside,
            Err(problem) => {
                seen.problem = Some((line, problem.to_owned()));
                return seen;
            }
        };
        if let Some(problem) = note(inside, line, &mut open, &mut seen) {
            seen.problem = Some((line, problem));
            return seen;
        }
        line += newlines(inside);
        rest = action.get(inside.len() + 2..).unwrap_or_default();
    }
    if let Some((line, word)) = open.last() {
        seen.problem = Some((*line, format!("this `{word}` has no `end`")));
    }
    seen
}

/// What stands between `{{` and its `}}`.
fn inside(action: &str) -> Result<&str, &'static str> {
    let body = action.strip_prefix("- ").unwrap_or(action).trim_start();
    if body.starts_with("/*") {
        let end = action.find("*/").ok_or("this comment is not closed with `*/`")?;
        let close = action.get(end..).and_then(|behind| behind.find("}}")).ok_or(UNCLOSED)?;
        return action.get(..end + close).ok_or(UNCLOSED);
    }
    let mut chars = action.char_indices();
    while let Some((at, c)) = chars.next() {
        let behind = action.get(at..).unwrap_or_default();
        match c {
            _ if behind.starts_with("}}") => return action.get(..at).ok_or(UNCLOSED),
            _ if behind.starts_with("{{") => {
                return Err("this action is not closed with `}}` where the next one begins");
            }
            '"' | '\'' => quoted(&mut chars, c)?,
            '`' => {
                chars.find(|(_, c)| *c == '`').ok_or("a text in backticks is not closed in this action")?;
            }
            _ => {}
        }
    }
    Err(UNCLOSED)
}

const UNCLOSED: &str = "this action is not closed with `}}`";

/// Goes behind the closing quote.
fn quoted(chars: &mut std::str::CharIndices<'_>, quote: char) -> Result<(), &'static str> {
    const OPEN: &str = "a quote is not closed on its line in this action";
    loop {
        match chars.next().ok_or(OPEN)?.1 {
            '\n' => return Err(OPEN),
            '\\' => {
                chars.next();
            }
            c if c == quote => return Ok(()),
            _ => {}
        }
    }
}

/// Notes what an action does. Says what is wrong with it.
fn note<'t>(inside: &'t str, line: u32, open: &mut Vec<(u32, &'t str)>, seen: &mut Seen) -> Option<String> {
    let body = inside.strip_prefix('-').unwrap_or(inside).trim();
    if body.starts_with("/*") {
        return None;
    }
    let word_end = body.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(body.len());
    let (word, behind) = body.split_at(word_end);
    let name = literal(behind);
    match word {
        "end" if open.pop().is_none() => return Some("this `end` ends nothing".to_owned()),
        "define" | "block" => seen.definitions.extend(name.map(str::to_owned)),
        "template" => seen.templates.extend(name.map(|name| (line, name.to_owned()))),
        _ => {}
    }
    if OPENERS.contains(&word) {
        open.push((line, word));
    }
    for (at, _) in body.match_indices('.') {
        let call = body.get(at + 1..).unwrap_or_default();
        let end = call.find(|c: char| !c.is_alphanumeric()).unwrap_or(call.len());
        let (call, behind) = call.split_at(end);
        if PARAM_CALLS.contains(&call)
            && let Some(name) = literal(behind)
        {
            let lines_before = newlines(body.get(..at).unwrap_or_default());
            seen.params.push((line + lines_before, name.to_owned()));
        }
    }
    None
}

/// A text in quotes and without escapes that comes next.
fn literal(behind: &str) -> Option<&str> {
    let name = behind.trim_start().strip_prefix('"')?.split_once('"')?.0;
    (!name.contains('\\')).then_some(name)
}

fn newlines(text: &str) -> u32 {
    u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_go_refuses_for_sure_is_told_and_nothing_else() {
        let check = |text: &str, expected: Option<(u32, &str)>| {
            let problem = look(text).problem;
            assert_eq!(problem.as_ref().map(|(line, problem)| (*line, problem.as_str())), expected, "{text}");
        };
        check("a\n{{ .Name", Some((1, UNCLOSED)));
        check("{{ .Name }\n{{ .Other }}", Some((0, "this action is not closed with `}}` where the next one begins")));
        check("{{ if .A }}\n{{ range .B }}x{{ end }}", Some((0, "this `if` has no `end`")));
        check("{{ if .A }}x{{ end }}\n{{- end -}}", Some((1, "this `end` ends nothing")));
        check("{{ .Param \"a }}\n\"}}", Some((0, "a quote is not closed on its line in this action")));
        check("{{/* never closed }}", Some((0, "this comment is not closed with `*/`")));
        for fine in [
            "no template at all: ${x} }} { {",
            "{\"a\":{\"b\":1}}",
            "{{ \"}}\" }}{{ `{{` }}{{ '}' }}{{ \"\\\"}}\" }}",
            "{{/* {{ if }} \" */}}{{- /* also '\n */ -}}",
            "{{if .A}}1{{else if .B}}2{{else}}3{{end}}{{with .C}}{{end}}{{ends .X}}{{ .end }}",
            "{{define \"x\"}}{{end}}{{block \"y\" .}}{{end}}",
            "{{ $a :=\n .B }}",
            "",
        ] {
            check(fine, None);
        }
    }

    #[test]
    fn a_text_may_break_off_anywhere() {
        let text = "ü{{- /* ü */ -}}{{ if eq \"ü\\\"\" `ü` 'ü' }}{{.Param \"ü\"}}{{define \"ü\"}}{{end}}{{ end -}}";
        let comment = text.find("}}{{").unwrap() + 3;
        for (end, _) in text.char_indices().filter(|(end, _)| *end > comment) {
            // Something is always open until the last `end` is complete.
            assert!(look(&text[..end]).problem.is_some(), "{end}");
        }
        assert_eq!(look(text).problem, None);
    }

    #[test]
    fn names_are_seen_with_their_lines() {
        let text = "#!/bin/sh\n{{ template \"setup.tmpl\" . }}\n{{ if .ParamExists \"a/b\" }}{{ .Param \"c\" | quote }}{{end}}\n{{ and .X\n  (.ComposeParam \"d\") }}{{ .Param $x }}{{/* .Param \"no\" */}}{{ define \"mine\" }}{{end}}";
        let seen = look(text);
        assert_eq!(seen.problem, None);
        let owned =
            |list: &[(u32, &str)]| list.iter().map(|(line, name)| (*line, (*name).to_owned())).collect::<Vec<_>>();
        assert_eq!(seen.templates, owned(&[(1, "setup.tmpl")]));
        assert_eq!(seen.params, owned(&[(2, "a/b"), (2, "c"), (4, "d")]));
        assert_eq!(seen.definitions, ["mine"]);
    }
}
