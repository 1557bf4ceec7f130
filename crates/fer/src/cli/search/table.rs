//! A search in words and tables.

use comfy_table::{CellAlignment, Table, presets};
use fer::published;
use fer::search::{LEAST_TRIALS, Row, SearchResult, Status};

use super::Finished;

/// A trial that has ended, in one line.
pub fn line(row: &Row, best: Option<&Row>) -> String {
    let mut text = format!("trial {}: {}", row.trial, words(row));
    match (row.status, row.val_acc) {
        (Status::Repeated, _) => text += " - interrupted, to be repeated",
        (Status::Failed, _) => {
            text += &format!(" - failed: {}", row.failure.as_deref().unwrap_or("no number came out"));
        }
        (Status::Pruned, _) => text += &format!(" - given up after epoch {}", row.epochs),
        _ => {}
    }
    if let Some(accuracy) = row.val_acc {
        text += &format!(" - val_accuracy: {accuracy:.4}");
    }
    if let Some(seconds) = row.seconds {
        text += &format!(" - {seconds:.1}s");
    }
    if let Some((accuracy, best)) = best.and_then(|best| Some((best.val_acc?, best))) {
        text += &format!(" - best: {accuracy:.4} (trial {})", best.trial);
    }
    text
}

fn words(row: &Row) -> String {
    match &row.choice {
        Some(choice) => {
            let [activation, kernel, _, optimizer] = row.point();
            format!("{activation}, kernel {kernel}, dropout {:.4}, {optimizer}", choice.dropout_prob)
        }
        None => "no point".into(),
    }
}

/// All that a search found.
pub fn describe(finished: &Finished, sampler: String) -> String {
    let SearchResult { importances, best, .. } = &finished.search;
    let mut text = format!("{}\n\n{sampler}\n", trials(&finished.search));
    let shares: Vec<_> = importances
        .iter()
        .map(|share| format!("{} {:.1} %", share.parameter, share.importance * 100.0))
        .collect();
    text += &match shares.is_empty() {
        true => format!(
            "importances: it takes {LEAST_TRIALS} completed trials with different values to tell what matters\n"
        ),
        false => format!("importances (PED-ANOVA): {}\n", shares.join(", ")),
    };
    if let Some((best, accuracy)) = best.as_ref().and_then(|best| Some((best, best.val_acc?))) {
        text += &format!(
            "best: trial {}, {}, validation accuracy {:.2} %\n",
            best.trial,
            words(best),
            accuracy * 100.0
        );
    }
    for run in &finished.retrained {
        let [val, test] = [run.val_acc, run.test_acc].map(|accuracy| accuracy * 100.0);
        text += &format!("trained anew, seed {}: validation {val:.2} %, test {test:.2} %\n", run.seed);
    }
    if let Some(spread) = &finished.test_acc {
        let [mean, least, greatest] = [spread.mean, spread.least, spread.greatest].map(|share| share * 100.0);
        text += &format!("test accuracy: {mean:.2} %");
        if let Some(deviation) = spread.deviation {
            let deviation = deviation * 100.0;
            text += &format!(" +- {deviation:.2} ({} seeds, {least:.2} to {greatest:.2})", spread.runs);
        } else {
            text += " (one seed)";
        }
        let best = published::result("search").and_then(|search| search.test);
        if let Some(best) = best.filter(|_| finished.search.published.is_some()) {
            text += &format!("; the study's best, on FER-2013: {:.2} %", best * 100.0);
        }
    }
    text.trim_end().into()
}

/// The trials, beside those of the study where there are as many.
fn trials(result: &SearchResult) -> String {
    const COLUMNS: [&str; 9] =
        ["trial", "status", "activation", "kernel", "dropout", "optimizer", "epochs", "val %", "time s"];
    const STUDY: [&str; 2] = ["study's trial", "val %"];
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let study = result.published;
    table.set_header(COLUMNS.into_iter().chain(study.into_iter().flat_map(|_| STUDY)));
    for column in [0, 3, 4, 6, 7, 8, 10] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let percent =
        |accuracy: Option<f64>| accuracy.map(|share| format!("{:.2}", share * 100.0)).unwrap_or_default();
    let mut published = study.unwrap_or_default().iter();
    for row in &result.trials {
        let [activation, kernel, _, optimizer] = row.point();
        let mut cells = vec![
            row.trial.to_string(),
            row.status.name().into(),
            activation,
            kernel,
            row.choice.as_ref().map(|choice| format!("{:.5}", choice.dropout_prob)).unwrap_or_default(),
            optimizer,
            row.epochs.to_string(),
            percent(row.val_acc),
            row.seconds.map(|seconds| format!("{seconds:.1}")).unwrap_or_default(),
        ];
        // A repeated trial has no counterpart; its repetition has one.
        if let Some(other) = published.as_slice().first().filter(|_| row.status != Status::Repeated) {
            published.next();
            cells.push(format!(
                "{} {} k{} {:.5} {}",
                other.trial, other.activation_fn, other.conv_kernel_size, other.dropout_prob, other.optimizer
            ));
            cells.push(percent(Some(other.val_accuracy)));
        }
        table.add_row(cells);
    }
    table.to_string()
}
