//! What the compiler says to an author who has made a mistake.

#[test]
fn a_mistake_is_one_error_at_its_place() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
