//! The page of the commands, from their definitions for the command line.

use super::super::Cli;
use super::cell;
use clap::{Arg, Command, CommandFactory};
use std::fmt::Write;

/// All commands: purpose, synopsis, arguments, options and examples.
pub fn page() -> String {
    let mut cli = Cli::command();
    cli.build();
    let global: Vec<String> =
        cli.get_arguments().filter(|arg| arg.is_global_set()).map(|arg| arg.get_id().to_string()).collect();
    let mut text = "## Options of every command\n".to_owned();
    arguments(&mut text, cli.get_arguments().filter(|arg| arg.is_global_set()));
    for command in cli.get_subcommands().filter(|command| is_shown(command)) {
        one_command(&mut text, command.clone(), &global);
    }
    text
}

/// Commands that the help hides are replaced by others, but for those that set up a shell.
fn is_shown(command: &Command) -> bool {
    ["completions", "man"].contains(&command.get_name()) || !command.is_hide_set() && command.get_name() != "help"
}

fn one_command(text: &mut String, mut command: Command, global: &[String]) {
    let name = command.get_name().to_owned();
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").replace("\n       ", "\n");
    let _ = write!(text, "\n## {name}\n\n{}\n\n```text\n{}\n```\n", prose(&about), usage.trim());
    arguments(text, command.get_positionals());
    let own = |arg: &&Arg| {
        !global.contains(&arg.get_id().to_string()) && !["help", "version"].contains(&arg.get_id().as_str())
    };
    arguments(text, command.get_arguments().filter(|arg| !arg.is_positional()).filter(own));
    if let Some(help) = command.get_after_help() {
        let help = help.to_string();
        let (head, examples) = help.split_once('\n').unwrap_or((&help, ""));
        let examples: Vec<&str> = examples.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
        let _ = write!(text, "\n{head}\n\n```text\n{}\n```\n", examples.join("\n").trim_end());
    }
}

/// A text of the help as paragraphs of Markdown. Words such as `<DIR>` are no tags.
fn prose(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(|line| line.trim().replace('<', "\\<")).collect();
    if let Some(first) = lines.first_mut()
        && !first.ends_with('.')
    {
        first.push('.');
    }
    lines.join("\n")
}

/// A table of arguments or options, if there are some that the help shows.
fn arguments<'a>(text: &mut String, args: impl Iterator<Item = &'a Arg>) {
    let args: Vec<&Arg> = args.filter(|arg| !arg.is_hide_set()).collect();
    let Some(first) = args.first() else { return };
    let head = if first.is_positional() { "argument" } else { "option" };
    let _ = writeln!(text, "\n| {head} | meaning |\n|---|---|");
    for arg in args {
        let _ = writeln!(text, "| {} | {} |", spelling(arg), meaning(arg));
    }
}

/// `-o`, `--output DIR`.
fn spelling(arg: &Arg) -> String {
    let names: Vec<String> = arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
    let takes = arg.get_action().takes_values();
    if arg.is_positional() {
        return format!("`{}`", names.join(" "));
    }
    let short = arg.get_short().map(|short| format!("`-{short}`"));
    let values = if takes && !names.is_empty() { format!(" {}", names.join(" ")) } else { String::new() };
    let long = arg.get_long().map(|long| format!("`--{long}{values}`"));
    short.into_iter().chain(long).collect::<Vec<_>>().join(", ")
}

/// The help of an argument with its values and its default.
fn meaning(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut text = help.split_whitespace().collect::<Vec<_>>().join(" ").replace('<', "\\<");
    let defaults: Vec<String> =
        arg.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    if arg.get_action().takes_values() {
        let values: Vec<String> =
            arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
        if !values.is_empty() {
            let _ = write!(text, "; values: {}", values.join(", "));
        }
        if !defaults.is_empty() {
            let _ = write!(text, "; default: {}", defaults.join(", "));
        }
    }
    cell(&text)
}
