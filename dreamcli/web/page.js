// A picture that is pasted goes to the first place for one that is visible.
document.addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));
  const input = [...document.querySelectorAll(".drop input[type=file]")].find((each) => each.closest(".drop").offsetParent);
  if (!files.length || !input) return;
  const chosen = new DataTransfer();
  chosen.items.add(files[0]);
  input.files = chosen.files;
  input.dispatchEvent(new Event("change"));
});
