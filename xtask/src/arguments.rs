//! What the commands have in common in reading their arguments.

use std::ffi::OsString;

use lexopt::{Arg, Error, Parser};

/// Accepts no argument.
pub(crate) fn none(arguments: &mut Parser) -> Result<(), Error> {
    match arguments.next()? {
        None => Ok(()),
        Some(argument) => Err(argument.unexpected()),
    }
}

/// Accepts one number, or none.
pub(crate) fn number(arguments: &mut Parser) -> Result<Option<u64>, Error> {
    use lexopt::ValueExt as _;
    let number = match arguments.next()? {
        None => return Ok(None),
        Some(Arg::Value(value)) => value.parse()?,
        Some(argument) => return Err(argument.unexpected()),
    };
    none(arguments)?;
    Ok(Some(number))
}

/// Accepts names, as many as there are.
pub(crate) fn names(arguments: &mut Parser) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Value(name) => names.push(text(name)?),
            option => return Err(option.unexpected()),
        }
    }
    Ok(names)
}

/// Accepts an argument that is text.
pub(crate) fn text(argument: OsString) -> Result<String, Error> {
    argument.into_string().map_err(Error::NonUnicodeValue)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parser(arguments: &[&str]) -> Parser {
        Parser::from_args(arguments)
    }

    #[test]
    fn arguments_that_nobody_asked_for_are_errors() {
        assert!(none(&mut parser(&[])).is_ok());
        assert!(none(&mut parser(&["x"])).is_err());
        assert!(number(&mut parser(&["1", "2"])).is_err());
        assert!(number(&mut parser(&["one"])).is_err());
        assert!(number(&mut parser(&["--fast"])).is_err());
        assert!(names(&mut parser(&["a", "--fast"])).is_err());
    }

    #[test]
    fn arguments_come_in_order() {
        assert_eq!(number(&mut parser(&["30"])).expect("a number"), Some(30));
        assert_eq!(number(&mut parser(&[])).expect("none"), None);
        assert_eq!(names(&mut parser(&["b", "a"])).expect("names"), ["b", "a"]);
    }
}
