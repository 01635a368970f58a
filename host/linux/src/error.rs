//! Errors as text for people.

/// An error and its causes, in one line. Skips a cause already contained in the outer message.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !said.ends_with(&words) {
            said.push_str(": ");
            said.push_str(&words);
        }
        cause = error.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_printed_once() {
        let source = std::io::Error::other("no space");
        let error = crate::link::LinkError::Io { what: "bind a socket", source };
        assert!(chain(&error).ends_with("no space"), "{}", chain(&error));
        assert_eq!(chain(&error).matches("no space").count(), 1);
    }
}
