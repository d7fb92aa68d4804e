//! What the provider says of itself.

/// Commands on the system, all without params.
const SYSTEM_COMMANDS: [&str; 20] = [
    "code-0",
    "crash",
    "environment",
    "error",
    "error-text",
    "forbidden",
    "garbage",
    "helper",
    "huge",
    "leave",
    "log-token",
    "ping",
    "post-event",
    "secrets",
    "silent",
    "slow",
    "sleep",
    "torn",
    "type",
    "withdraw",
];

/// Content with one declared param of each kind.
const CONTENT: &str = r#"{"meta":{"Description":"Misbehaves on command"},"sections":{"params":{
"rude/step":{"Name":"rude/step","Schema":{"type":"integer","default":1}},
"rude/token":{"Name":"rude/token","Secure":true,"Schema":{"type":"string"}},
"rude/mode":{"Name":"rude/mode","Schema":{"type":"string"}}}}}"#;

/// The definition of the provider `name`.
pub(crate) fn of(name: &str, mode: &str) -> String {
    let required = if name == "rude-needy" { r#"["rude/needed"]"# } else { "null" };
    let version = if mode == "define-version" { 2 } else { 4 };
    let called = if mode == "define-misnamed" { "somebody-else" } else { name };
    let auto = name == "rude-auto";
    let events = mode.starts_with("publish-");
    let content = match mode {
        "define-content" => "sections: [",
        // Two providers cannot bring the same objects.
        _ if name == "rude" || name == "rude-needy" => CONTENT,
        _ => "",
    };
    format!(
        r#"{{"Meta":{{}},"Name":"{called}","Version":"v1.0.0","PluginVersion":{version},"AutoStart":{auto},
"HasPublish":{events},"AvailableActions":[{}],"RequiredParams":{required},
"OptionalParams":["rude/mode"],"StoreObjects":{{}},"Documentation":"","Content":{}}}"#,
        actions(mode).join(","),
        quoted(content)
    )
}

fn actions(mode: &str) -> Vec<String> {
    let mut actions: Vec<String> = SYSTEM_COMMANDS.iter().map(|command| action(command, "", "null", "null")).collect();
    actions.push(action("echo", "machines", "null", r#"["rude/step","rude/token"]"#));
    actions.push(action("touch", "machines", r#"["rude/touched"]"#, "null"));
    if mode == "define-many" {
        actions.extend((0..20_000).map(|number| action(&format!("many-{number}"), "machines", "null", "null")));
    }
    actions
}

fn action(command: &str, model: &str, required: &str, optional: &str) -> String {
    format!(
        r#"{{"Provider":"","Model":"{model}","Command":"{command}","RequiredParams":{required},"OptionalParams":{optional}}}"#
    )
}

/// A text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n"))
}
