//! The content is checked while it is compiled, so there is little left that a test could find.

use serde_json::Value;

use super::*;

#[test]
fn the_definition_has_the_content() {
    let definition = provider().definition().unwrap();
    assert_eq!(definition.name, "@NAME@");
    let content: Value = serde_json::from_str(&definition.content).unwrap();
    let task = &content["sections"]["tasks"]["@NAME@-hello"];
    let stage = &content["sections"]["stages"]["@NAME@-hello"];
    assert_eq!(stage["Tasks"][0], task["Name"]);
}

#[test]
fn the_param_has_a_default() {
    let definition = provider().definition().unwrap();
    let content: Value = serde_json::from_str(&definition.content).unwrap();
    let param = &content["sections"]["params"]["@NAME@/message"];
    assert_eq!(param["Schema"]["default"], "Hello");
}
