//! JSON Schemas of params with a value, as content and clients have them.

use drp_content::Schemas;
use drp_core::{Param, Raw, json};

pub(crate) fn run(data: &[u8]) {
    if let Ok(param) = json::parse::<Param>(data) {
        let _ = Schemas::default().check_declaration(&param);
    }
    let Ok((schema, value)) = json::parse::<(Raw, Raw)>(data) else { return };
    let schemas = Schemas::default();
    let compiles = schemas.compile(&schema);
    let checked = schemas.check(&schema, &value);
    assert!(compiles.is_ok() || checked.is_err(), "a schema that cannot be used lets nothing pass");
    // Of two references that lead nowhere either may be the one that is named.
    assert_eq!(checked.is_ok(), schemas.check(&schema, &value).is_ok(), "the same value is judged the same again");
}
