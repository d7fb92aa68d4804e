//! Content that is bundled while the provider is compiled.

use drp_core::PluginProvider;
use drp_plugin::{Content, Context, NoParams, Provider, Result, System, content};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize, JsonSchema)]
struct Settings {
    /// What it is set to.
    #[serde(rename = "content/setting")]
    #[allow(dead_code, reason = "only its schema is read")]
    setting: String,
}

async fn set(_: Context<()>, _: System, _: Settings) -> Result<()> {
    Ok(())
}

fn bundle(definition: &PluginProvider) -> Value {
    serde_json::from_str(&definition.content).unwrap()
}

#[test]
fn the_directory_and_the_types_are_one_bundle() {
    let provider = Provider::new("content", "v1.0.0").about("A test").action("set", set);
    let definition = provider.content(content!("tests/content")).definition().unwrap();
    let bundle = bundle(&definition);
    let sections = &bundle["sections"];
    assert_eq!(bundle["meta"]["DisplayName"], "Content of a test");
    assert_eq!(bundle["meta"]["Description"], "A test");
    assert_eq!(bundle["meta"]["Name"], "Unspecified");
    let setting = &sections["params"]["content/setting"];
    assert_eq!(setting["Description"], "What it is set to.");
    assert_eq!(setting["Documentation"], "How it is set.\n");
    assert_eq!(setting["Meta"], json!({ "icon": "cog" }));
    assert_eq!(setting["Schema"]["type"], "string");
    assert_eq!(sections["params"]["content/own"]["Schema"]["default"], 8);
    assert_eq!(sections["templates"]["content-hello.tmpl"]["Contents"], "hello {{.Machine.Name}}\n");
    assert_eq!(sections["tasks"]["content-hello"]["Templates"][0]["ID"], "content-hello.tmpl");
}

#[test]
fn what_content_and_provider_say_differently_is_a_mistake() {
    let content = Content::new(
        r#"{"meta": {"Description": "other", "Version": "v0.0.0"}, "sections": {
            "params": {"content/setting": {"Name": "content/setting", "Secure": true, "Schema": {"type": "integer"}, "Description": "Other"}},
            "cows": {"bessie": {"Id": "bessie", "Spots": 1}}}}"#,
    );
    let provider = Provider::new("content", "v1.0.0").about("A test").meta("Version", "v2").action("set", set);
    let provider =
        provider.untyped_object_type("cows").object("cows", "bessie", &json!({ "Spots": 2 })).content(content);
    let text = provider.definition().unwrap_err().to_string();
    for part in [
        "Description is \"other\" in the content and \"A test\" in the provider",
        "param `content/setting`: the secrecy is true in the content and false in the types",
        "param `content/setting`: the schema is {\"type\": \"integer\"} in the content and {",
        "param `content/setting`: the description is Other in the content and What it is set to. in the types",
        "cows `bessie` is in the content and in the provider, and not the same",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("Version"), "{text}");
    let twice = Provider::new("content", "v1.0.0").content(content).content(content);
    assert!(twice.definition().unwrap_err().to_string().contains("content twice"));
    let broken = Provider::new("content", "v1.0.0").content(Content::new("{"));
    assert!(broken.definition().unwrap_err().to_string().contains("the content cannot be"));
}

#[test]
fn the_same_said_twice_is_no_mistake() {
    async fn nothing(_: Context<()>, _: System, NoParams {}: NoParams) -> Result<()> {
        Ok(())
    }
    let provider = || Provider::new("content", "v1.0.0").about("A test").action("nothing", nothing).action("set", set);
    let first = provider().definition().unwrap().content;
    let again = provider().content(Content::new(first.clone().leak())).definition().unwrap().content;
    assert_eq!(again, first);
}
