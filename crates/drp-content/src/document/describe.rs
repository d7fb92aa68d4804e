//! What a document says, in an order that is always the same.

use std::collections::BTreeMap;

use drp_core::{BootEnv, ModelType, Param, Profile, RawModel, Stage, Task, TemplateInfo, Workflow};
use serde_json::Value;

use super::block::{Block, Line, Span, code, codes, words};
use crate::Bundle;

/// What stands for a default that is not shown.
const HIDDEN: &str = "hidden";
/// The types that authors look for first; others follow by name.
const SECTIONS: [(&str, &str); 7] = [
    ("params", "Params"),
    ("profiles", "Profiles"),
    ("tasks", "Tasks"),
    ("stages", "Stages"),
    ("workflows", "Workflows"),
    ("bootenvs", "Boot environments"),
    ("templates", "Templates"),
];
/// Characters of a default that are shown.
const DEFAULT_CHARS_MAX: usize = 200;

/// The document of a bundle.
pub(super) fn describe(bundle: &Bundle) -> Vec<Block> {
    let mut blocks = head(bundle);
    for (section, title) in SECTIONS {
        let Some(objects) = bundle.sections.get(section).filter(|objects| !objects.is_empty()) else { continue };
        blocks.push(Block::Heading(2, words(title)));
        match section {
            "params" => blocks.extend(params(bundle, objects)),
            "templates" => blocks.push(templates(bundle, objects)),
            _ => blocks.extend(objects.iter().flat_map(|(key, object)| one(section, key, object))),
        }
    }
    let is_other = |section: &str| SECTIONS.iter().all(|(known, _)| *known != section);
    for (section, objects) in
        bundle.sections.iter().filter(|(section, objects)| is_other(section) && !objects.is_empty())
    {
        let title = if ModelType::find(section).is_some() { "Objects of type " } else { "Objects of the custom type " };
        blocks.push(Block::Heading(2, vec![Span::Words(title.to_owned()), Span::Code(section.clone())]));
        let mut rows = vec![vec![words("Key"), words("Description")]];
        rows.extend(objects.iter().map(|(key, object)| vec![code(key), words(object.text("Description"))]));
        blocks.push(Block::Table(rows));
    }
    blocks
}

/// What the bundle says of itself.
fn head(bundle: &Bundle) -> Vec<Block> {
    let meta = &bundle.meta;
    let name = meta.text("Name").trim();
    let title = [meta.text("DisplayName").trim(), name, "Unspecified"].into_iter().find(|text| !text.is_empty());
    let mut blocks = vec![Block::Heading(1, words(title.unwrap_or_default()))];
    if !meta.text("Description").trim().is_empty() {
        blocks.push(Block::Paragraph(words(meta.text("Description"))));
    }
    let mut rows = vec![vec![words("Bundle"), code(name)]];
    let mut row = |title: &str, field: &str, is_code: bool| {
        let text = meta.text(field).trim();
        if !text.is_empty() {
            rows.push(vec![words(title), if is_code { code(text) } else { words(text) }]);
        }
    };
    row("Version", "Version", true);
    for (title, field) in [("Author", "Author"), ("License", "License"), ("Copyright", "Copyright")] {
        row(title, field, false);
    }
    for (title, field) in [("Source", "CodeSource"), ("More", "DocUrl"), ("Tags", "Tags")] {
        row(title, field, false);
    }
    blocks.push(Block::Table(rows));
    for (title, field) in [("Prerequisites", "Prerequisites"), ("Required features", "RequiredFeatures")] {
        let items = items_of(field, meta.text(field));
        if !items.is_empty() {
            blocks.push(Block::Heading(2, words(title)));
            blocks.push(Block::List(items.into_iter().map(code).collect()));
        }
    }
    if !meta.text("Documentation").trim().is_empty() {
        blocks.push(Block::Heading(2, words("About")));
        blocks.push(Block::Written(meta.text("Documentation").to_owned()));
    }
    blocks
}

/// Names of features are parted by blanks too, while constraints of prerequisites have blanks within.
fn items_of(field: &str, text: &str) -> Vec<String> {
    let is_separator = |c: char| c == ',' || (field == "RequiredFeatures" && c.is_whitespace());
    text.split(is_separator).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

type Objects = BTreeMap<String, RawModel>;

/// A table of all, and what is written about each at length.
fn params(bundle: &Bundle, objects: &Objects) -> Vec<Block> {
    let header = ["Param", "Type", "Default", "Required by", "Secure", "Description"].map(words).to_vec();
    let mut rows = vec![header];
    let mut blocks = Vec::new();
    for (key, object) in objects {
        let param: Param = object.typed().unwrap_or_default();
        let schema: Value = param.schema.parse().unwrap_or_default();
        rows.push(vec![
            code(key),
            words(type_of(&schema)),
            default_of(&param, &schema),
            codes(required_by(bundle, key)),
            words(if param.secure { "yes" } else { "" }),
            words(param.description.as_str()),
        ]);
        if !param.documentation.trim().is_empty() {
            blocks.push(Block::Heading(3, code(key)));
            blocks.push(Block::Written(param.documentation));
        }
    }
    blocks.insert(0, Block::Table(rows));
    blocks
}

/// `string`, `list of string`, `string or null`, or `any`.
fn type_of(schema: &Value) -> String {
    match schema.get("type") {
        Some(Value::String(type_)) if type_ == "array" => match schema.get("items") {
            Some(items @ Value::Object(_)) if items.get("type").is_some() => format!("list of {}", type_of(items)),
            _ => "list".to_owned(),
        },
        Some(Value::String(type_)) => type_.clone(),
        Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    }
}

fn default_of(param: &Param, schema: &Value) -> Line {
    let Some(default) = schema.get("default") else { return Line::new() };
    if param.secure {
        return words(HIDDEN);
    }
    let text = default.to_string();
    match text.char_indices().nth(DEFAULT_CHARS_MAX) {
        Some((end, _)) => code(format!("{}…", text.get(..end).unwrap_or_default())),
        None => code(text),
    }
}

/// What in the bundle does not run without the param.
fn required_by(bundle: &Bundle, param: &str) -> Vec<String> {
    let users =
        bundle.sections.iter().filter(|(section, _)| ["bootenvs", "stages", "tasks"].contains(&section.as_str()));
    let all = users.flat_map(|(section, objects)| objects.iter().map(move |(key, object)| (section, key, object)));
    let requires = |object: &RawModel| {
        let required: Vec<String> = object.get("RequiredParams").unwrap_or_default();
        required.iter().any(|name| name == param)
    };
    all.filter(|(_, _, object)| requires(object)).map(|(section, key, _)| format!("{section}/{key}")).collect()
}

/// A heading, a description, what matters of its type, and what is written about it at length.
fn one(section: &str, key: &str, object: &RawModel) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(3, code(key))];
    let description = object.text("Description");
    if !description.trim().is_empty() {
        blocks.push(Block::Paragraph(words(description)));
    }
    let details: Vec<Line> = match section {
        "profiles" => profile(&object.typed().unwrap_or_default()),
        "tasks" => task(&object.typed().unwrap_or_default()),
        "stages" => stage(&object.typed().unwrap_or_default()),
        "workflows" => workflow(&object.typed().unwrap_or_default()),
        _ => boot_env(&object.typed().unwrap_or_default()),
    };
    let details: Vec<Line> = details.into_iter().filter(|line| line.len() > 1).collect();
    if !details.is_empty() {
        blocks.push(Block::List(details));
    }
    let documentation = object.text("Documentation");
    if !documentation.trim().is_empty() {
        blocks.push(Block::Written(documentation));
    }
    blocks
}

/// `Title: a, b`; the title alone where there are no names.
fn named<'n>(title: &str, names: impl IntoIterator<Item = &'n String>) -> Line {
    let mut line = words(format!("{title}: "));
    line.extend(codes(names));
    line
}

fn profile(profile: &Profile) -> Vec<Line> {
    vec![named("Sets the params", profile.params.keys()), named("Profiles", profile.profiles.iter())]
}

fn task(task: &Task) -> Vec<Line> {
    vec![
        named("Required params", task.required_params.iter()),
        named("Optional params", task.optional_params.iter()),
        named("Runs after", task.prerequisites.iter()),
        named("Extra roles", task.extra_roles.iter()),
        steps(&task.templates),
    ]
}

fn steps(templates: &[TemplateInfo]) -> Line {
    let mut line = words("Steps: ");
    for (at, template) in templates.iter().enumerate() {
        if at > 0 {
            line.push(Span::Words(", ".to_owned()));
        }
        line.push(Span::Code(template.name.clone()));
        if let Some(systems) = template.meta.get("OS") {
            line.push(Span::Words(format!(" ({systems})")));
        }
    }
    line
}

fn stage(stage: &Stage) -> Vec<Line> {
    vec![
        named("Boot environment", Some(&stage.boot_env).filter(|name| !name.is_empty())),
        named("Tasks", stage.tasks.iter()),
        named("Profiles", stage.profiles.iter()),
        named("Sets the params", stage.params.keys()),
        named("Required params", stage.required_params.iter()),
        named("Optional params", stage.optional_params.iter()),
        named("Files", stage.templates.iter().map(|template| &template.path)),
    ]
}

fn workflow(workflow: &Workflow) -> Vec<Line> {
    vec![named("Stages", workflow.stages.iter())]
}

fn boot_env(boot_env: &BootEnv) -> Vec<Line> {
    vec![
        named("Operating system", Some(&boot_env.os.name).filter(|name| !name.is_empty())),
        named("Architectures", boot_env.os.supported_architectures.keys()),
        named("Required params", boot_env.required_params.iter()),
        named("Optional params", boot_env.optional_params.iter()),
        named("Files", boot_env.templates.iter().map(|template| &template.path)),
    ]
}

/// All templates, and what in the bundle renders each of them by its id.
fn templates(bundle: &Bundle, objects: &Objects) -> Block {
    let mut used_by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for section in ["bootenvs", "stages", "tasks"] {
        for (key, object) in bundle.sections.get(section).into_iter().flatten() {
            let templates: Vec<TemplateInfo> = object.get("Templates").unwrap_or_default();
            for id in templates.into_iter().map(|template| template.id).filter(|id| !id.is_empty()) {
                let users = used_by.entry(id).or_default();
                let user = format!("{section}/{key}");
                if users.last() != Some(&user) {
                    users.push(user);
                }
            }
        }
    }
    let mut rows = vec![["Template", "Used by", "Description"].map(words).to_vec()];
    rows.extend(objects.iter().map(|(key, object)| {
        let users = used_by.get(key).cloned().unwrap_or_default();
        vec![code(key), codes(users), words(object.text("Description"))]
    }));
    Block::Table(rows)
}
