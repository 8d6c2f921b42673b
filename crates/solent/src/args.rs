//! Command-line options.

use std::{fmt::Write, num::NonZeroUsize, process};

use solent_server::{Bind, BindParseError};

use crate::{
    layer_url::{LayerUrl, LayerUrlError},
    layers::DEFAULT,
};

/// The environment variable that names the channel layer where `--layer` does not.
const LAYER_VARIABLE: &str = "SOLENT_LAYER";

/// The variables that name layers with an alias begin so: `SOLENT_LAYER_JOBS` is that of `jobs`.
const ALIAS_VARIABLE: &str = "SOLENT_LAYER_";

const USAGE: &str = "options:
  --bind ADDRESS      listen there: 127.0.0.1:8000, unix:/run/app.sock?mode=660&group=www-data, fd:0; may be given several times
  --threads N         serve with so many threads
  --layer URL         the channel layer; the environment variable SOLENT_LAYER does the same
  --layer ALIAS=URL   a layer for consumers and channels that name it; SOLENT_LAYER_ALIAS does the same
  --worker A,B        listen on these channels instead of for connections
  -h, --help          show this
";

/// The options that every application has, from its command line and environment: where it listens, with how many threads,
/// on which channel layer, and whether it is a worker.
///
/// ```no_run
/// use solent::{Args, Error, Solent};
///
/// fn main() -> Result<(), Error> {
///     Solent::new().bind("127.0.0.1:8000").args(Args::from_env()).run()
/// }
/// ```
///
/// | option | |
/// |---|---|
/// | `--bind ADDRESS` | listens there, instead of where the program says; may be given several times |
/// | `--threads N` | serves with so many threads |
/// | `--layer URL` | the channel layer: see [`LayerUrl`]; or the environment variable `SOLENT_LAYER` |
/// | `--layer ALIAS=URL` | a layer with an [alias](crate::Solent::layer_as); or the environment variable `SOLENT_LAYER_ALIAS`, as `SOLENT_LAYER_JOBS` for `jobs` |
/// | `--worker A,B` | is a [worker](crate::Solent::worker) for these channels |
/// | `--help` | shows the options |
///
/// Where the program and the command line both say something, the command line counts. An application with more than a
/// flag or two of its own reads its command line itself, and calls the methods of [`Solent`](crate::Solent).
#[derive(Debug, Default)]
#[must_use]
pub struct Args {
    pub(crate) binds: Vec<Bind>,
    pub(crate) threads: Option<NonZeroUsize>,
    pub(crate) layer: Option<LayerUrl>,
    /// Those with an alias.
    pub(crate) layers: Vec<(String, LayerUrl)>,
    pub(crate) worker: Option<Vec<String>>,
    flags: Vec<String>,
}

/// The command line cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArgsError {
    /// The options were asked for. Its message is all of them.
    #[error("{0}")]
    Help(String),
    /// There is no such option.
    #[error("there is no option {0:?}, --help shows those that there are")]
    Unknown(String),
    /// An option needs a value.
    #[error("{0} needs a value, --help shows which")]
    NoValue(&'static str),
    /// The number of threads is none.
    #[error("--threads needs a number of at least 1, not {0:?}")]
    Threads(String),
    /// An address cannot be read.
    #[error("--bind: {0}")]
    Address(#[from] BindParseError),
    /// No channel layer has such a URL.
    #[error("{option}: {source}")]
    Layer {
        /// What it was given by: `--layer`, or the name of an environment variable.
        option: &'static str,
        /// What is wrong with it.
        source: LayerUrlError,
    },
    /// No channel layer has the URL that the environment gives for an alias.
    #[error("{variable}: {source}")]
    Alias {
        /// The name of the variable.
        variable: String,
        /// What is wrong with it.
        source: LayerUrlError,
    },
    /// A worker needs channels.
    #[error("--worker needs the names of channels, with commas between them")]
    NoChannels,
}

impl Args {
    /// Reads the command line and the environment of this process.
    ///
    /// Shows the options and ends the process (status 0) if asked to; says what is wrong and ends it (status 2) if the
    /// command line cannot be read.
    pub fn from_env() -> Self {
        Self::with_flags(&[])
    }

    /// The same for an application that has flags of its own: each is its name and what it does, for `--help`.
    ///
    /// ```no_run
    /// let args = solent::Args::with_flags(&[("--deflate", "compress messages")]);
    /// let deflate = args.has("--deflate");
    /// ```
    pub fn with_flags(flags: &[(&str, &str)]) -> Self {
        // What is no text is refused with what can be shown of it.
        let words = std::env::args_os().skip(1);
        let words = words.map(|word| word.to_string_lossy().into_owned());
        let variable = std::env::var_os(LAYER_VARIABLE);
        let variable = variable.map(|value| value.to_string_lossy().into_owned());
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.to_str()?.to_owned();
            Some((name, value.to_string_lossy().into_owned()))
        });
        let parsed = Self::parse(words, variable.as_deref(), flags)
            .and_then(|args| args.with_aliases(variables));
        parsed.unwrap_or_else(|error| match error {
            ArgsError::Help(usage) => {
                print!("{usage}");
                process::exit(0)
            }
            error => {
                eprintln!("error: {error}");
                process::exit(2)
            }
        })
    }

    /// Reads the words of a command line without the program's name, the URL of a layer that counts if they name none,
    /// and flags as in [`with_flags`](Self::with_flags).
    ///
    /// # Errors
    ///
    /// [`ArgsError`].
    pub fn parse<W: Into<String>>(
        words: impl IntoIterator<Item = W>,
        layer: Option<&str>,
        flags: &[(&str, &str)],
    ) -> Result<Self, ArgsError> {
        let mut words = words.into_iter().map(Into::into);
        let mut args = Self::default();
        while let Some(word) = words.next() {
            args.read(&word, &mut words, flags)?;
        }
        if let (None, Some(layer)) = (&args.layer, layer.filter(|layer| !layer.is_empty())) {
            args.layer = Some(read_layer(LAYER_VARIABLE, layer)?);
        }
        Ok(args)
    }

    /// Adds the layers with an alias that the environment names. The command line counts before it.
    ///
    /// # Errors
    ///
    /// [`ArgsError::Alias`] names the variable whose URL is of no layer.
    pub fn with_aliases(
        mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ArgsError> {
        for (variable, url) in variables {
            let Some(alias) = variable.strip_prefix(ALIAS_VARIABLE) else {
                continue;
            };
            let alias = alias.to_ascii_lowercase();
            let is_given = self.layers.iter().any(|(given, _)| *given == alias);
            if is_given || alias.is_empty() || url.is_empty() {
                continue;
            }
            match url.parse() {
                Ok(url) => self.layers.push((alias, url)),
                Err(source) => return Err(ArgsError::Alias { variable, source }),
            }
        }
        Ok(self)
    }

    /// Whether a flag of the application's own was given.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|given| given == flag)
    }

    /// The channel layer that was chosen.
    pub fn layer(&self) -> Option<&LayerUrl> {
        self.layer.as_ref()
    }

    /// Reads one option.
    fn read(
        &mut self,
        word: &str,
        words: &mut impl Iterator<Item = String>,
        flags: &[(&str, &str)],
    ) -> Result<(), ArgsError> {
        let (name, given) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word, None),
        };
        let mut value = |name| {
            given
                .clone()
                .or_else(|| words.next())
                .ok_or(ArgsError::NoValue(name))
        };
        match name {
            "--bind" => self.binds.push(value("--bind")?.parse()?),
            "--threads" => {
                let threads = value("--threads")?;
                self.threads = Some(threads.parse().map_err(|_| ArgsError::Threads(threads))?);
            }
            "--layer" => self.add_layer(&value("--layer")?)?,
            "--worker" => self.add_channels(&value("--worker")?)?,
            "--help" | "-h" => return Err(ArgsError::Help(usage(flags))),
            _ if flags.iter().any(|(flag, _)| *flag == word) => self.flags.push(word.to_owned()),
            _ => return Err(ArgsError::Unknown(word.to_owned())),
        }
        Ok(())
    }

    /// Reads a URL, or an alias and a URL.
    fn add_layer(&mut self, value: &str) -> Result<(), ArgsError> {
        let is_alias = |text: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            !text.is_empty() && text.chars().all(is_plain)
        };
        match value.split_once('=') {
            Some((alias, url)) if is_alias(alias) && alias != DEFAULT => {
                let url = read_layer("--layer", url)?;
                self.layers.push((alias.to_owned(), url));
            }
            Some((DEFAULT, url)) => self.layer = Some(read_layer("--layer", url)?),
            _ => self.layer = Some(read_layer("--layer", value)?),
        }
        Ok(())
    }

    fn add_channels(&mut self, names: &str) -> Result<(), ArgsError> {
        let names = names.split(',').map(str::trim);
        let names: Vec<_> = names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        if names.is_empty() {
            return Err(ArgsError::NoChannels);
        }
        self.worker.get_or_insert_default().extend(names);
        Ok(())
    }
}

fn read_layer(option: &'static str, url: &str) -> Result<LayerUrl, ArgsError> {
    match url.parse::<LayerUrl>() {
        Ok(url) => Ok(url.given_by(option)),
        Err(source) => Err(ArgsError::Layer { option, source }),
    }
}

fn usage(flags: &[(&str, &str)]) -> String {
    let mut usage = USAGE.to_owned();
    for (flag, does) in flags {
        // Writing to a string does not fail.
        let _ = writeln!(usage, "  {flag:<18}  {does}");
    }
    usage
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: &[(&str, &str)] = &[("--deflate", "compress messages")];

    fn parse(line: &str) -> Result<Args, ArgsError> {
        Args::parse(line.split_whitespace(), None, FLAGS)
    }

    #[test]
    fn every_option_is_read_in_both_forms() {
        for line in [
            "--bind [::1]:80 --bind fd:0 --threads 3 --layer memory: --worker a,b --worker c --deflate",
            "--bind=[::1]:80 --bind=fd:0 --threads=3 --layer=memory: --worker=a,b, --worker=c --deflate",
        ] {
            let args = parse(line).unwrap();

            let binds: Vec<_> = args.binds.iter().map(Bind::to_string).collect();
            assert_eq!(binds, ["[::1]:80", "fd:0"]);
            assert_eq!(args.threads, NonZeroUsize::new(3));
            assert_eq!(args.layer().map(LayerUrl::as_str), Some("memory:"));
            assert_eq!(args.worker.as_deref().unwrap(), ["a", "b", "c"]);
            assert!(args.has("--deflate") && !args.has("--bind"));
        }
    }

    #[test]
    fn layer_with_an_alias_is_beside_the_default_one() {
        for line in [
            "--layer memory:a?x=y --layer jobs=memory:b?x=y",
            "--layer=default=memory:a?x=y --layer=jobs=memory:b?x=y",
        ] {
            let args = parse(line).unwrap();

            assert_eq!(args.layer().unwrap().as_str(), "memory:a?x=y");
            let [(alias, url)] = &args.layers[..] else {
                panic!("{args:?}");
            };
            assert_eq!((&**alias, url.as_str()), ("jobs", "memory:b?x=y"));
        }
        assert!(parse("--layer jobs=pigeon:").is_err());
    }

    #[test]
    fn nothing_said_is_nothing_chosen() {
        let args = parse("").unwrap();

        assert!(args.binds.is_empty() && args.worker.is_none());
    }

    #[test]
    fn layer_of_the_environment_counts_unless_the_command_line_names_one() {
        let with = |line: &str, variable| {
            Args::parse(line.split_whitespace(), Some(variable), &[])
                .map(|args| args.layer().map(|url| url.as_str().to_owned()))
        };

        assert_eq!(with("", "memory:"), Ok(Some("memory:".into())));
        assert_eq!(
            with("--layer memory:here", "memory:there"),
            Ok(Some("memory:here".into()))
        );
        assert_eq!(with("", ""), Ok(None));
        let error = with("", "pigeon:").unwrap_err().to_string();
        assert!(
            error.starts_with("SOLENT_LAYER: no channel layer has the URL \"pigeon:\""),
            "{error}"
        );
        let error = parse("--layer pigeon:").unwrap_err().to_string();
        assert!(
            error.starts_with("--layer: no channel layer has the URL \"pigeon:\""),
            "{error}"
        );
    }

    #[test]
    fn layers_with_an_alias_may_be_named_by_the_environment() {
        let with = |line: &str, variables: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
            let args = parse(line).and_then(|args| args.with_aliases(variables.iter().map(own)));
            args.map(|args| {
                let named = args.layers.iter();
                let named = named.map(|(alias, url)| format!("{alias}={}", url.as_str()));
                named.collect::<Vec<_>>()
            })
        };
        let there = [
            ("SOLENT_LAYER_JOBS", "memory:there"),
            ("OTHER", "x"),
            ("SOLENT_LAYER", "y"),
        ];

        assert_eq!(with("", &there), Ok(vec!["jobs=memory:there".to_owned()]));
        assert_eq!(
            with("--layer jobs=memory:here", &there),
            Ok(vec!["jobs=memory:here".to_owned()])
        );
        assert_eq!(with("", &[("SOLENT_LAYER_JOBS", "")]), Ok(vec![]));
        let error = with("", &[("SOLENT_LAYER_JOBS", "pigeon:")]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("SOLENT_LAYER_JOBS: no channel layer"),
            "{error}"
        );
    }

    #[test]
    fn mistakes_are_told_with_what_to_type() {
        for (line, expected) in [
            (
                "--port 80",
                "there is no option \"--port\", --help shows those that there are",
            ),
            (
                "--deflate=1",
                "there is no option \"--deflate=1\", --help shows those that there are",
            ),
            ("--bind", "--bind needs a value, --help shows which"),
            (
                "--threads 0",
                "--threads needs a number of at least 1, not \"0\"",
            ),
            (
                "--worker ,",
                "--worker needs the names of channels, with commas between them",
            ),
        ] {
            assert_eq!(parse(line).unwrap_err().to_string(), expected, "{line}");
        }
        let address = parse("--bind here").unwrap_err().to_string();
        assert!(
            address.starts_with("--bind: \"here\" is no address"),
            "{address}"
        );
        assert!(address.contains("127.0.0.1:8000"), "{address}");
    }

    #[test]
    fn help_shows_every_option() {
        let help = parse("--help").unwrap_err().to_string();

        for option in [
            "--bind",
            "--threads",
            "--layer",
            "--worker",
            "--help",
            "--deflate",
        ] {
            assert!(help.contains(option), "{help}");
        }
    }
}
