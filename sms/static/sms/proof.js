// The button Print, for browsers where a script can do it.

const button = document.getElementById("print");
button.hidden = false;
button.addEventListener("click", () => window.print());
