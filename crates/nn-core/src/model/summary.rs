//! The table that Keras users know, with two more columns: multiply-adds and activation bytes per image.

use std::fmt::Write;

use nn_kernels::Real;

use super::Network;

const TITLES: [&str; 5] = ["Layer (type)", "Output Shape", "Param #", "MACs", "Activation"];

impl<R: Real> Network<R> {
    /// A table of the layers in Keras's look, the parts of a residual block in front of it: output shapes, exact parameter counts, multiply-adds of one
    /// forward pass of one image, and the bytes of each output for one image.
    pub fn summary(&self) -> String {
        let mut rows = Vec::new();
        let (mut macs, mut activations, mut trainable) = (0, 0, 0);
        for layer in self.layers_and_parts() {
            let info = layer.info();
            // What a layer has besides its parts, which have rows of their own.
            let own = if layer.parts().is_empty() { layer.params() } else { Vec::new() };
            let own_macs = info.macs - layer.parts().iter().map(|part| part.info().macs).sum::<u64>();
            let params: usize = own.iter().map(|param| param.value.len()).sum();
            trainable += own.iter().filter(|p| p.trainable).map(|p| p.value.len()).sum::<usize>();
            let bytes = info.output_shape.elements() * size_of::<R>();
            macs += own_macs;
            activations += bytes;
            rows.push([
                format!("{} ({})", info.name, info.class_name),
                info.output_shape.to_string(),
                thousands(params as u64),
                thousands(own_macs),
                human_bytes(bytes),
            ]);
        }
        let width = |column: usize| {
            let widest = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
            widest.max(TITLES[column].len())
        };
        let widths: [usize; 5] = std::array::from_fn(width);
        let rule = |left: &str, line: &str, middle: &str, right: &str| {
            let cells: Vec<_> = widths.iter().map(|width| line.repeat(width + 2)).collect();
            format!("{left}{}{right}\n", cells.join(middle))
        };
        let line = |bar: &str, cells: [&str; 5]| {
            let mut text = String::from(bar);
            for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
                // Text to the left, numbers to the right.
                let cell = if column < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
                let _ = write!(text, " {cell} {bar}");
            }
            text + "\n"
        };
        let total = self.count_params();
        let mut table = format!("Model: \"{}\"   input {}\n", self.name(), self.input_shape());
        table += &rule("┏", "━", "┳", "┓");
        table += &line("┃", TITLES);
        table += &rule("┡", "━", "╇", "┩");
        let body: Vec<_> = rows.iter().map(|row| line("│", row.each_ref().map(String::as_str))).collect();
        table += &body.join(&rule("├", "─", "┼", "┤"));
        table += &rule("└", "─", "┴", "┘");
        let sized = |n: usize| format!("{} ({})", thousands(n as u64), human_bytes(n * size_of::<R>()));
        let _ = writeln!(table, " Total params: {}", sized(total));
        let _ = writeln!(table, " Trainable params: {}", sized(trainable));
        let _ = writeln!(table, " Non-trainable params: {}", sized(total - trainable));
        let _ = writeln!(
            table,
            " Forward pass: {} MACs per image (products with padding counted)",
            thousands(macs)
        );
        let _ = writeln!(table, " Activations: {} per image", human_bytes(activations));
        table
    }
}

/// `1234567` as `1,234,567`.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.char_indices() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes in Keras's units: `B`, `KB`, `MB`, `GB` in steps of 1024.
fn human_bytes(bytes: usize) -> String {
    let units = ["KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = "";
    for next in units {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, next);
    }
    format!("{value:.2} {unit}")
}
