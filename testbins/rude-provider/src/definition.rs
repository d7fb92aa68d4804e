//! What the provider says of itself.

/// Commands on the system, all without params.
const SYSTEM_COMMANDS: [&str; 11] = [
    "crash",
    "environment",
    "error",
    "error-text",
    "garbage",
    "helper",
    "leave",
    "log-token",
    "post-event",
    "sleep",
    "withdraw",
];

/// Content with one declared param of each kind.
const CONTENT: &str = r#"{"meta":{"Description":"Misbehaves on command"},"sections":{"params":{
"rude/step":{"Name":"rude/step","Schema":{"type":"integer","default":1}},
"rude/token":{"Name":"rude/token","Secure":true,"Schema":{"type":"string"}},
"rude/config":{"Name":"rude/config","Schema":{"type":"string"}}}}}"#;

/// The definition of the provider `name`. `rude-needy` wants a param; `rude-auto` wants a plugin.
pub(crate) fn of(name: &str) -> String {
    let required = if name == "rude-needy" { r#"["rude/needed"]"# } else { "null" };
    let version = if name == "rude-old" { 2 } else { 4 };
    let called = if name == "rude-misnamed" { "somebody-else" } else { name };
    let auto = name == "rude-auto";
    let system = SYSTEM_COMMANDS.map(|command| action(command, "", "null", "null"));
    let echo = action("echo", "machines", "null", r#"["rude/step","rude/token"]"#);
    let touch = action("touch", "machines", r#"["rude/touched"]"#, "null");
    // Two providers cannot bring the same objects.
    let content = quoted(if auto { "" } else { CONTENT });
    let events = name == "rude-events";
    format!(
        r#"{{"Meta":{{}},"Name":"{called}","Version":"v1.0.0","PluginVersion":{version},"AutoStart":{auto},
"HasPublish":{events},"AvailableActions":[{},{echo},{touch}],"RequiredParams":{required},
"OptionalParams":["rude/config"],"StoreObjects":{{}},"Documentation":"","Content":{content}}}"#,
        system.join(",")
    )
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
