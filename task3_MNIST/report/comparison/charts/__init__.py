"""Charts of the comparison page: Plotly figures as plain data, each with what it says."""
