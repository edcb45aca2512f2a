//! Settings and errors compiled to flat 2×2 coefficients, and light sent through them: the hot loop of the project.

use crate::cell::{CellErrors, Transfer, transfer};
use crate::section::{Section, SectionKind, Settings};
use nalgebra::DMatrix;
use num_complex::Complex64;

/// A batch of fields in flight: modes × batch, real and imaginary planes apart, the batch contiguous.
#[derive(Clone, Debug, PartialEq)]
pub struct Fields {
    modes: usize,
    batch: usize,
    re: Vec<f64>,
    im: Vec<f64>,
}

impl Fields {
    /// The columns of a matrix (modes × batch) as fields.
    #[must_use]
    pub fn from_matrix(matrix: &DMatrix<Complex64>) -> Self {
        let (modes, batch) = matrix.shape();
        let mut fields = Self { modes, batch, re: vec![0.0; modes * batch], im: vec![0.0; modes * batch] };
        for (sample, column) in matrix.column_iter().enumerate() {
            for (mode, z) in column.iter().enumerate() {
                fields.re[mode * batch + sample] = z.re;
                fields.im[mode * batch + sample] = z.im;
            }
        }
        fields
    }

    /// Unit light in each of `modes` ports in turn: what comes out is the matrix of the circuit.
    #[must_use]
    pub fn identity(modes: usize) -> Self {
        let mut fields = Self { modes, batch: modes, re: vec![0.0; modes * modes], im: vec![0.0; modes * modes] };
        fields.re.iter_mut().step_by(modes + 1).for_each(|x| *x = 1.0);
        fields
    }

    /// The fields as a matrix, modes × batch.
    #[must_use]
    pub fn to_matrix(&self) -> DMatrix<Complex64> {
        DMatrix::from_fn(self.modes, self.batch, |mode, sample| {
            let k = mode * self.batch + sample;
            Complex64::new(self.re[k], self.im[k])
        })
    }

    /// Keeps the first modes only, or adds dark ones: a rectangular matrix drops or gains lines between its meshes.
    pub fn resize(&mut self, modes: usize) {
        self.re.resize(modes * self.batch, 0.0);
        self.im.resize(modes * self.batch, 0.0);
        self.modes = modes;
    }

    /// Multiplies one mode by a complex number.
    fn scale(&mut self, mode: usize, factor: Complex64) {
        let rows = mode * self.batch..(mode + 1) * self.batch;
        for (re, im) in self.re[rows.clone()].iter_mut().zip(&mut self.im[rows]) {
            (*re, *im) = (factor.re * *re - factor.im * *im, factor.re * *im + factor.im * *re);
        }
    }

    /// Applies a 2×2 matrix to the modes (m, m+1).
    fn mix(&mut self, mode: usize, t: &Transfer) {
        let n = self.batch;
        let (ar, br) = self.re[mode * n..(mode + 2) * n].split_at_mut(n);
        let (ai, bi) = self.im[mode * n..(mode + 2) * n].split_at_mut(n);
        let [[p, q], [r, s]] = *t;
        for (((ar, ai), br), bi) in ar.iter_mut().zip(ai).zip(br).zip(bi) {
            let (xr, xi, yr, yi) = (*ar, *ai, *br, *bi);
            *ar = p.re * xr - p.im * xi + q.re * yr - q.im * yi;
            *ai = p.re * xi + p.im * xr + q.re * yi + q.im * yr;
            *br = r.re * xr - r.im * xi + s.re * yr - s.im * yi;
            *bi = r.re * xi + r.im * xr + s.re * yi + s.im * yr;
        }
    }
}

/// One section, its phases and errors turned into coefficients.
#[derive(Clone, Debug)]
pub struct Circuit {
    kind: SectionKind,
    modes: usize,
    cells: Vec<(usize, Transfer)>,
    output: Vec<Complex64>,
}

impl Circuit {
    /// Compiles a section with the phases that its shifters really have and the state of each cell.
    ///
    /// # Panics
    ///
    /// If `errors` are not one a cell.
    #[must_use]
    pub fn compile(section: &Section, phases: &Settings, errors: &[CellErrors]) -> Self {
        let sites = &section.layout().sites;
        assert_eq!(sites.len(), errors.len(), "one state a cell");
        let cells = sites
            .iter()
            .enumerate()
            .map(|(k, site)| (site.mode, transfer(phases.theta()[k], phases.phi()[k], errors[k])));
        Self {
            kind: section.kind(),
            modes: section.layout().modes,
            cells: cells.collect(),
            output: phases.output().iter().map(|&phase| Complex64::cis(phase)).collect(),
        }
    }

    /// The section as designed: its own phases, no errors.
    #[must_use]
    pub fn ideal(section: &Section) -> Self {
        let errors = vec![CellErrors::NONE; section.layout().sites.len()];
        Self::compile(section, section.settings(), &errors)
    }

    /// Sends fields through, in place. O(cells × batch).
    ///
    /// Fields of another number of modes are cut or padded with dark modes first.
    pub fn propagate(&self, fields: &mut Fields) {
        fields.resize(self.modes);
        match self.kind {
            SectionKind::Mesh => self.cells.iter().for_each(|(mode, t)| fields.mix(*mode, t)),
            SectionKind::Attenuators => self.cells.iter().for_each(|(mode, t)| fields.scale(*mode, t[0][0])),
        }
        for (mode, &factor) in self.output.iter().enumerate() {
            fields.scale(mode, factor);
        }
    }
}
