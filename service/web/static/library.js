import "./upload.js";
